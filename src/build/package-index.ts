/**
 * Where packages come from, as pip is configured on this machine: people who need a mirror, a proxy or a
 * certificate have told pip, and should not have to tell it twice.
 */
export interface PackageIndex {
  readonly indexUrl?: string
  readonly extraIndexUrls: readonly string[]
  readonly findLinks: readonly string[]
  readonly noIndex: boolean
  readonly cert?: string
  readonly clientCert?: string
  readonly proxy?: string
  readonly trustedHosts: readonly string[]
  readonly timeoutSeconds?: number
}

type Settings = ReadonlyMap<string, string>
type Environment = Readonly<Record<string, string | undefined>>

/** `files` are the texts of pip's configuration files, weakest first; PIP_* variables outweigh them. */
export function readPackageIndex(files: readonly string[], environment: Environment): PackageIndex {
  const settings = new Map<string, string>()
  for (const file of files) for (const [key, value] of readPipConfig(file)) settings.set(key, value)
  for (const [key, value] of readPipVariables(environment)) settings.set(key, value)
  return {
    ...optional('indexUrl', settings.get('index-url')),
    extraIndexUrls: words(settings, 'extra-index-url'),
    findLinks: words(settings, 'find-links'),
    noIndex: /^(1|true|yes|on)$/i.test(settings.get('no-index') ?? ''),
    ...optional('cert', settings.get('cert')),
    ...optional('clientCert', settings.get('client-cert')),
    ...optional('proxy', settings.get('proxy')),
    trustedHosts: words(settings, 'trusted-host'),
    ...optional('timeoutSeconds', seconds(settings)),
  }
}

/** pip's configuration files that there may be, weakest first (pip's documentation, "Configuration files"). */
export function pipConfigPaths(environment: Environment): string[] {
  const named = environment['PIP_CONFIG_FILE']
  if (named === '/dev/null') return []
  const home = environment['HOME']
  const user = environment['XDG_CONFIG_HOME'] ?? (home === undefined ? undefined : `${home}/.config`)
  const shared = (environment['XDG_CONFIG_DIRS'] ?? '/etc/xdg').split(':').filter((folder) => folder !== '')
  return [
    ...shared.toReversed().map((folder) => `${folder}/pip/pip.conf`),
    '/etc/pip.conf',
    ...(home === undefined ? [] : [`${home}/.pip/pip.conf`]),
    ...(user === undefined ? [] : [`${user}/pip/pip.conf`]),
    ...(named === undefined ? [] : [named]),
  ]
}

/**
 * The same settings in uv's words. pip looks for the best version over all its indexes, uv by default stops
 * at the first that knows the name; with pip's settings it has to look as pip does. What the person has set
 * for uv itself (UV_*) is left alone.
 */
export function uvVariables(index: PackageIndex, environment: Environment): Record<string, string> {
  const taken = {
    UV_DEFAULT_INDEX: index.indexUrl,
    UV_INDEX: index.extraIndexUrls.join(' '),
    UV_FIND_LINKS: index.findLinks.join(','),
    UV_NO_INDEX: index.noIndex ? '1' : '',
    UV_INSECURE_HOST: index.trustedHosts.join(' '),
    UV_HTTP_TIMEOUT: index.timeoutSeconds?.toString(),
    UV_INDEX_STRATEGY: index.extraIndexUrls.length > 0 || index.findLinks.length > 0 ? 'unsafe-best-match' : '',
    SSL_CERT_FILE: index.cert,
    SSL_CLIENT_CERT: index.clientCert,
    ALL_PROXY: index.proxy,
  }
  const variables: Record<string, string> = {}
  for (const [name, value] of Object.entries(taken)) {
    if (value !== undefined && value !== '' && environment[name] === undefined) variables[name] = value
  }
  return variables
}

/**
 * The certificates that everything else on the machine trusts: pip before 24.2 looks at none but its own.
 * What uv is told and pip is not (UV_*) is put into pip's words too.
 */
export function pipVariables(index: PackageIndex, environment: Environment): Record<string, string> {
  const taken = {
    PIP_CERT: environment['PIP_CERT'] ?? environment['SSL_CERT_FILE'],
    PIP_INDEX_URL:
      index.indexUrl === undefined ? (environment['UV_DEFAULT_INDEX'] ?? environment['UV_INDEX_URL']) : undefined,
    PIP_EXTRA_INDEX_URL: index.extraIndexUrls.length === 0 ? environment['UV_EXTRA_INDEX_URL'] : undefined,
  }
  return Object.fromEntries(Object.entries(taken).filter(([, value]) => value !== undefined && value !== '')) as Record<
    string,
    string
  >
}

/** What of it decides which packages are found: part of a lock's cache key, without passwords. */
export function indexIdentity(index: PackageIndex): unknown {
  return {
    index: withoutPassword(index.indexUrl ?? ''),
    extra: index.extraIndexUrls.map(withoutPassword),
    links: index.findLinks.map(withoutPassword),
    none: index.noIndex,
  }
}

/** pip merges `[global]` with the section of its command; later lines win. Indented lines continue a value. */
function readPipConfig(text: string): Settings {
  const settings = new Map<string, string>()
  let section = ''
  let key: string | undefined
  for (const line of text.split(/\r?\n/)) {
    const [, header] = /^\[(.+)\]\s*$/.exec(line) ?? []
    const [, name, value] = /^([A-Za-z][\w-]*)\s*[=:]\s*(.*)$/.exec(line) ?? []
    if (header !== undefined) {
      section = header.trim()
      key = undefined
    } else if (/^\s*([#;]|$)/.test(line)) continue
    else if (/^\s/.test(line) && key !== undefined)
      settings.set(key, `${settings.get(key) ?? ''} ${line.trim()}`.trim())
    else if (name !== undefined && value !== undefined && (section === 'global' || section === 'install')) {
      key = name.toLowerCase().replaceAll('_', '-')
      settings.set(key, value.trim())
    } else key = undefined
  }
  return settings
}

function readPipVariables(environment: Environment): Settings {
  const settings = new Map<string, string>()
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('PIP_') || value === undefined || value === '') continue
    settings.set(name.slice(4).toLowerCase().replaceAll('_', '-'), value)
  }
  return settings
}

function words(settings: Settings, key: string): string[] {
  return (settings.get(key) ?? '').split(/\s+/).filter((word) => word !== '')
}

function seconds(settings: Settings): number | undefined {
  const value = Number(settings.get('default-timeout') ?? settings.get('timeout') ?? Number.NaN)
  return Number.isFinite(value) && value > 0 ? Math.ceil(value) : undefined
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value })
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return url
  const parsed = new URL(url)
  parsed.username = ''
  parsed.password = ''
  return parsed.href
}
