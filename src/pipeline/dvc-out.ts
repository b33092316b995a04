import { parse } from 'yaml'

/** What DVC keeps in git about one output: the name of its content, and where the content is. */
export interface DvcOut {
  /** The name of the remote's file; of a folder without its `.dir`. */
  readonly md5: string
  readonly isFolder: boolean
  /** Written by DVC before 3: another place in the remote, and text files by the digest of their Unix form. */
  readonly isLegacy: boolean
  readonly remote: DvcRemote
}

export interface DvcRemote {
  readonly name: string
  readonly url: string
  /** For S3 servers other than Amazon's. */
  readonly endpoint?: string
  readonly region?: string
}

/**
 * Looks up an output by its path in the DVC files of a commit: `<path>.dvc`, a `.dvc` file of its folder,
 * and any `dvc.lock`. Answers a sentence where that does not say what to fetch.
 */
export function findDvcOut(
  path: string,
  files: readonly string[],
  readText: (file: string) => string | undefined,
): DvcOut | string {
  const wanted = trimmed(path)
  const places = [`${wanted}.dvc`, ...files.filter((file) => isDvcFile(file) && file !== `${wanted}.dvc`)]
  for (const file of places) {
    const text = readText(file)
    const out = text === undefined ? undefined : outsIn(file, text).find((each) => each.path === wanted)
    if (out === undefined) continue
    const remote = remoteOf(out.remote, readText('.dvc/config'))
    if (typeof remote === 'string') return remote
    return { md5: out.md5.replace(/\.dir$/, ''), isFolder: out.md5.endsWith('.dir'), isLegacy: out.isLegacy, remote }
  }
  return `no .dvc file and no dvc.lock of this commit tracks "${wanted}": run \`dvc add ${wanted}\`, and commit ${wanted}.dvc`
}

/** Files of a commit that `findDvcOut` reads. */
export function isDvcFile(path: string): boolean {
  return path.endsWith('.dvc') || path === 'dvc.lock' || path.endsWith('/dvc.lock')
}

interface TrackedOut {
  readonly path: string
  readonly md5: string
  readonly isLegacy: boolean
  readonly remote: string | undefined
}

function outsIn(file: string, text: string): TrackedOut[] {
  const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : ''
  const value = parsed(text)
  const stages = file.endsWith('.dvc') ? [value] : Object.values(record(record(value)['stages']))
  return stages.flatMap((stage) => {
    const { outs, wdir } = record(stage)
    const base = typeof wdir === 'string' ? joined(folder, wdir) : folder
    return Array.isArray(outs) ? outs.flatMap((out: unknown) => outOf(record(out), base)) : []
  })
}

function outOf({ path, md5, hash, remote }: Record<string, unknown>, base: string): TrackedOut[] {
  if (typeof path !== 'string' || typeof md5 !== 'string' || !/^[0-9a-f]{32}(\.dir)?$/.test(md5)) return []
  const own = typeof remote === 'string' ? remote : undefined
  return [{ path: joined(base, trimmed(path)), md5, isLegacy: hash !== 'md5', remote: own }]
}

/** Of `.dvc/config`: git's kind of INI. */
function remoteOf(wanted: string | undefined, config: string | undefined): DvcRemote | string {
  const sections = sectionsOf(config ?? '')
  const name = wanted ?? sections.get('core')?.get('remote')
  if (name === undefined)
    return 'no remote is the default one in .dvc/config: run `dvc remote default <name>`, and commit it'
  const remote = sections.get(`remote "${name}"`)
  const url = remote?.get('url')
  if (remote === undefined || url === undefined) return `there is no remote "${name}" with a url in .dvc/config`
  const [endpoint, region] = [remote.get('endpointurl'), remote.get('region')]
  return { name, url, ...(endpoint === undefined ? {} : { endpoint }), ...(region === undefined ? {} : { region }) }
}

function sectionsOf(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>()
  let current = new Map<string, string>()
  for (const line of text.split('\n').map((each) => each.trim())) {
    const section = /^\['?(.*?)'?\]$/.exec(line)?.[1]
    if (section !== undefined) sections.set(section, (current = new Map()))
    const [, key, value] = /^([a-z_]+)\s*=\s*(.*)$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) current.set(key, value)
  }
  return sections
}

function parsed(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 }) as unknown
  } catch {
    // Somebody else's file: it then tracks nothing that we could find.
    return undefined
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function trimmed(path: string): string {
  return path.replace(/^\.\//, '').replace(/\/+$/, '')
}

/** Undefined parts are none; `..` as far as the repository goes. */
function joined(folder: string, path: string): string {
  const parts: string[] = []
  for (const part of `${folder}/${path}`.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}
