import type { ToolSettings } from '../core/tool-settings.ts'

/**
 * The server's environment with what `server.yaml` says put over it. pip's names are used for indexes: uv's
 * are made of them where it runs, and a project's own secret takes their place for both.
 */
export function applyToolSettings(
  environment: NodeJS.ProcessEnv,
  { packages, network }: ToolSettings,
): NodeJS.ProcessEnv {
  const said: Record<string, string | undefined> = {
    PIP_INDEX_URL: packages.indexUrl,
    PIP_EXTRA_INDEX_URL: words(packages.extraIndexUrls),
    PIP_TRUSTED_HOST: words(packages.trustedHosts),
    HTTP_PROXY: network.proxy,
    HTTPS_PROXY: network.proxy,
    NO_PROXY: words(network.noProxy, ','),
    SSL_CERT_FILE: network.ca,
    NODE_EXTRA_CA_CERTS: network.ca,
  }
  const settled = Object.entries(said).filter(([, value]) => value !== undefined)
  const outdone = new Set(settled.flatMap(([name]) => [name, ...(OTHER_NAMES[name] ?? [])]))
  const kept = Object.entries(environment).filter(([name]) => !outdone.has(name) && !outdone.has(name.toUpperCase()))
  return Object.fromEntries([...kept, ...settled])
}

/** Under which a tool would find an older answer to the same question. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  PIP_INDEX_URL: ['UV_DEFAULT_INDEX', 'UV_INDEX_URL'],
  PIP_EXTRA_INDEX_URL: ['UV_INDEX', 'UV_EXTRA_INDEX_URL'],
  PIP_TRUSTED_HOST: ['UV_INSECURE_HOST'],
  HTTPS_PROXY: ['ALL_PROXY', 'PIP_PROXY'],
  SSL_CERT_FILE: ['PIP_CERT', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'SSL_CERT_DIR'],
}

function words(list: readonly string[], between = ' '): string | undefined {
  return list.length === 0 ? undefined : list.join(between)
}
