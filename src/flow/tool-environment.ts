import type { StepOpening } from '../engine/engine-options.ts'

const NAMES = new Set([
  'PATH',
  'HOME',
  'NETRC',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'XDG_RUNTIME_DIR',
  'REGISTRY_AUTH_FILE',
  'STORAGE_DRIVER',
  'STORAGE_OPTS',
])
const FAMILIES = /^(PIP|UV|PYENV|DOCKER|BUILDAH|CONTAINERS)_/

/**
 * What our own tasks get of the server's environment: where tools are, package indexes, proxies, certificates.
 * Commands get none of it. An address with a password in it goes the way of secrets: not into the order's file,
 * and never into a log.
 */
export function toolEnvironment(environment: NodeJS.ProcessEnv): StepOpening {
  const env: Record<string, string> = {}
  const secrets: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || !(NAMES.has(name.toUpperCase()) || FAMILIES.test(name))) continue
    const place = /:\/\/[^/\s]*@/.test(value) ? secrets : env
    place[name] = value
  }
  return { env, secrets }
}
