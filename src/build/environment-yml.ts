import { parse } from 'yaml'
import { AppError } from '../core/errors.ts'

export interface CondaFile {
  /** `3.11`, or a range, where the file asks for one. */
  readonly python?: string
  /** Lines of a requirements file. */
  readonly requirements: readonly string[]
}

/** Channels whose packages are those of the index under the same names, where only Python and pip are asked for. */
const HARMLESS = new Set(['python', 'pip', 'setuptools', 'wheel'])

export function isEnvironmentYml(path: string): boolean {
  return /\.ya?ml$/.test(path)
}

/**
 * What an `environment.yml` asks for, where that is Python and packages of pip alone: then no conda is needed.
 * Packages of conda are other builds under other names, and are refused with the whole list of what stands in the way.
 */
export function readEnvironmentYml(file: string, text: string): CondaFile {
  const entries = dependenciesOf(file, text)
  const obstacles: string[] = []
  const requirements: string[] = []
  let python: string | undefined
  for (const entry of entries) {
    if (typeof entry === 'string') {
      const [, name = '', version = ''] = /^\s*(?:[\w-]+::)?([\w.-]+)\s*(.*)$/.exec(entry) ?? []
      if (name === 'python') python = pythonOf(version)
      else if (!HARMLESS.has(name)) obstacles.push(entry)
    } else if (isPip(entry)) requirements.push(...entry.pip)
    else obstacles.push(JSON.stringify(entry))
  }
  if (obstacles.length > 0) throw refusal(file, obstacles)
  return { requirements, ...(python === undefined ? {} : { python }) }
}

function dependenciesOf(file: string, text: string): readonly unknown[] {
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: 0 })
  } catch (error) {
    throw new AppError(
      'INVALID_INPUT',
      `${file} is no YAML: ${(error as Error).message.split('\n')[0]}`,
      {},
      { cause: error },
    )
  }
  const list: unknown = typeof value === 'object' && value !== null && 'dependencies' in value ? value.dependencies : []
  return Array.isArray(list) ? list : []
}

function isPip(entry: unknown): entry is { pip: string[] } {
  if (typeof entry !== 'object' || entry === null || !('pip' in entry)) return false
  return Array.isArray(entry.pip) && entry.pip.every((line) => typeof line === 'string')
}

/** conda writes `=3.11` for every 3.11, and `==3.11.7` for that one. */
function pythonOf(version: string): string | undefined {
  const text = version.trim()
  const [, plain] = /^={0,2}(\d[\d.]*?)(?:\.\*)?(?:=\S*)?$/.exec(text) ?? []
  return plain ?? (text === '' ? undefined : text)
}

function refusal(file: string, obstacles: readonly string[]): AppError {
  const listed = obstacles.slice(0, 30).map((entry) => `  ${entry}`)
  return new AppError(
    'INVALID_INPUT',
    [
      `${file} asks for packages of conda, which pip and uv cannot give:`,
      ...listed,
      'Move those that are on the package index below `pip:`, name libraries of the system in build.system, or make the environment with conda and write `build: { interpreter: /path/to/envs/name/bin/python }`.',
    ].join('\n'),
  )
}
