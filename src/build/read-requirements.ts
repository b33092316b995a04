import { access, readFile } from 'node:fs/promises'
import { basename, dirname, join, normalize } from 'node:path'
import { AppError } from '../core/errors.ts'
import { sha256 } from '../lib/sha256.ts'
import { splitExtras } from '../pipeline/requirement-includes.ts'
import type { ComputedList } from './ask-project.ts'
import { isEnvironmentYml, readEnvironmentYml } from './environment-yml.ts'
import {
  hasVariable,
  isFromRepository,
  readPyproject,
  readRequirementFile,
  type Requirement,
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
    if (isEnvironmentYml(path)) {
      const conda = readEnvironmentYml(path, text)
      python ??= conda.python
      requirements.push(...readRequirementFile(path, conda.requirements.join('\n')).requirements)
      continue
    }
    if (path.endsWith('.toml')) {
      const listed = readPyproject(path, text)
      refuseVariables(
        path,
        listed.filter((one) => hasVariable(one.text)),
      )
      refuseRepositories(
        path,
        listed.filter((one) => isFromRepository(one.text)),
      )
      requirements.push(...listed)
      continue
    }
    const file = readRequirementFile(path, text)
    refuseLocal(path, file.local)
    refuseVariables(path, file.variables)
    refuseRepositories(path, file.repositories)
    requirements.push(...file.requirements)
    queue.push(
      ...file.includes.map((include) => ({ path: join(dirname(path), include.path), from: `${path}:${include.line}` })),
    )
  }
  const uvLock = await readUvLock(folder, files)
  if (uvLock !== undefined) digests[uvLockBeside(files[0] ?? '')] = sha256(uvLock)
  return { files, requirements, digests, uvLock: uvLock !== undefined, ...(python === undefined ? {} : { python }) }
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

function refuseLocal(path: string, local: readonly { text: string; line: number }[]): void {
  const [first] = local
  if (first === undefined) return
  throw new AppError(
    'INVALID_INPUT',
    `${path}:${first.line}: "${first.text}" installs from the working copy, which an environment shared by many commits cannot. Steps see the repository itself: set env PYTHONPATH to its source folder instead.`,
  )
}

/** What these tools have in their environment is the installation's: a name and password for its index, for one. */
function refuseVariables(path: string, lines: readonly { text: string; line: number }[]): void {
  const [first] = lines
  if (first === undefined) return
  throw new AppError(
    'INVALID_INPUT',
    `${path}:${first.line}: "${first.text}" asks for a variable of the environment, which a commit gets none of. Write the value, or name an index with its token by \`build.secrets\`.`,
  )
}

function refuseRepositories(path: string, lines: readonly { text: string; line: number }[]): void {
  const [first] = lines
  if (first === undefined) return
  throw new AppError(
    'INVALID_INPUT',
    `${path}:${first.line}: "${first.text}" is taken from a repository, and has no file whose hash could be locked. Publish a wheel of it to an index of your own, or name the address of a wheel.`,
  )
}

function uvLockBeside(file: string): string {
  return join(dirname(splitExtras(file).path), 'uv.lock')
}

async function readUvLock(folder: string, files: readonly string[]): Promise<string | undefined> {
  const [only, ...rest] = files
  if (only === undefined || rest.length > 0 || basename(splitExtras(only).path) !== 'pyproject.toml') return undefined
  const path = join(folder, uvLockBeside(only))
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  return isThere ? await readFile(path, 'utf8') : undefined
}
