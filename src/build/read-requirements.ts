import { access, readFile } from 'node:fs/promises'
import { basename, dirname, join, normalize } from 'node:path'
import { AppError } from '../core/errors.ts'
import { sha256 } from '../lib/sha256.ts'
import { splitExtras } from '../pipeline/requirement-includes.ts'
import type { ComputedList } from './ask-project.ts'
import { isEnvironmentYml, readEnvironmentYml } from './environment-yml.ts'
import { lineOf, refuseLines } from './refuse-lines.ts'
import {
  hasVariable,
  isFromRepository,
  readPyproject,
  readRequirementFile,
  type Requirement,
  type RequirementFile,
} from './requirement-files.ts'

/** The dependency files of one build environment, with all they include. */
export interface RequirementSet {
  /** As the pipeline file names them. */
  readonly files: readonly string[]
  readonly requirements: readonly Requirement[]
  /** Path → digest of everything that was read: changes when anything does. */
  readonly digests: Readonly<Record<string, string>>
  /** There is a uv.lock beside the only file, a pyproject.toml: it is taken as it is. */
  readonly uvLock: boolean
  /** Path of the poetry.lock beside the only file, a pyproject.toml without a uv.lock: its versions count. */
  readonly poetryLock?: string
  /** What builds have told that their files require, by file as the pipeline file names it. */
  readonly computed?: Readonly<Record<string, ComputedList>>
  /** That an environment.yml asks for. */
  readonly python?: string
}

const MOST_FILES = 100

export async function readRequirements(folder: string, files: readonly string[]): Promise<RequirementSet> {
  const requirements: Requirement[] = []
  const digests: Record<string, string> = {}
  let python: string | undefined
  const queue = files.map((file) => ({ path: normalize(splitExtras(file).path), from: 'build.dependencies' }))
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { path, from } = next
    if (digests[path] !== undefined) continue
    if (Object.keys(digests).length >= MOST_FILES)
      throw new AppError('INVALID_INPUT', `${from}: more than ${MOST_FILES} requirements files`)
    const text = await readText(folder, path, from)
    digests[path] = sha256(text)
    if (basename(path) === 'setup.py') continue
    const read = readOne(path, text)
    python ??= read.python
    requirements.push(...read.requirements)
    queue.push(
      ...read.includes.map((include) => ({ path: join(dirname(path), include.path), from: `${path}:${include.line}` })),
    )
  }
  const lock = await readLock(folder, files)
  if (lock !== undefined) digests[lock.path] = sha256(lock.text)
  return {
    files,
    requirements,
    digests,
    uvLock: lock?.kind === 'uv',
    ...(lock?.kind === 'poetry' ? { poetryLock: lock.path } : {}),
    ...(python === undefined ? {} : { python }),
  }
}

interface ReadFile extends Pick<RequirementFile, 'requirements' | 'includes'> {
  readonly python?: string | undefined
}

function readOne(path: string, text: string): ReadFile {
  if (path.endsWith('.toml')) return readProject(path, text)
  if (!isEnvironmentYml(path)) {
    const file = readRequirementFile(path, text)
    refuseLines(path, file)
    return file
  }
  const { python, requirements } = readEnvironmentYml(path, text)
  const file = readRequirementFile(path, requirements.join('\n'))
  refuseLines(path, file, text)
  return {
    requirements: file.requirements.map((one) => ({ ...one, line: lineOf(text, one.text) })),
    includes: file.includes.map((one) => ({ ...one, line: lineOf(text, one.path) })),
    python,
  }
}

/** So far as its lines tell; what they mean is looked at when they are resolved. */
function readProject(path: string, text: string): ReadFile {
  const requirements = readPyproject(path, text)
  const variables = requirements.filter((one) => hasVariable(one.text))
  const repositories = requirements.filter((one) => isFromRepository(one.text))
  refuseLines(path, { requirements, includes: [], local: [], variables, repositories })
  return { requirements, includes: [] }
}

async function readText(folder: string, path: string, from: string): Promise<string> {
  if (path.startsWith('..') || path.startsWith('/')) {
    throw new AppError('INVALID_INPUT', `${from}: ${path} is outside the repository`)
  }
  try {
    return await readFile(join(folder, path), 'utf8')
  } catch (error) {
    throw new AppError(
      'INVALID_INPUT',
      `${from}: ${path} is not in the commit. Add it, or name another file.`,
      {},
      { cause: error },
    )
  }
}

interface FoundLock {
  readonly kind: 'uv' | 'poetry'
  readonly path: string
  readonly text: string
}

/** Beside a pyproject.toml that is the only file. */
async function readLock(folder: string, files: readonly string[]): Promise<FoundLock | undefined> {
  const [only, ...rest] = files
  if (only === undefined || rest.length > 0 || basename(splitExtras(only).path) !== 'pyproject.toml') return undefined
  for (const kind of ['uv', 'poetry'] as const) {
    const path = join(dirname(splitExtras(only).path), `${kind}.lock`)
    const isThere = await access(join(folder, path)).then(
      () => true,
      () => false,
    )
    if (isThere) return { kind, path, text: await readFile(join(folder, path), 'utf8') }
  }
  return undefined
}
