import { execFile } from 'node:child_process'
import { lstatSync } from 'node:fs'
import { mkdtempDisposable, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { AppError } from '../../core/errors.ts'
import { hasCode } from '../../lib/error-code.ts'

/** A folder as somebody works in it: what a commit of it would hold, and a little about where it stands. */
export interface WorkingTree {
  readonly folder: string
  /**
   * Tracked and unignored files that are there, relative to the folder, sorted. Outside of a repository: unignored ones, and
   * all where git is not installed.
   */
  readonly files: readonly string[]
  /** Zeros where nothing was ever committed. */
  readonly commit: string
  /** Empty where a commit is checked out and no branch. */
  readonly branch: string
}

const NO_COMMIT = '0'.repeat(40)

export async function readWorkingTree(folder: string): Promise<WorkingTree> {
  const [listed, commit, branch] = await Promise.all([
    git(folder, ['ls-files', '-z', '--cached', '--others', '--exclude-standard']),
    git(folder, ['rev-parse', '--verify', '--quiet', 'HEAD']),
    git(folder, ['symbolic-ref', '--quiet', '--short', 'HEAD']),
  ])
  if (listed === undefined) {
    const files = (await listUnignored(folder)) ?? (await walk(folder))
    return { folder, files: files.sort(), commit: NO_COMMIT, branch: 'main' }
  }
  return {
    folder,
    files: filesIn(folder, [...new Set(listed.split('\0'))]).sort(),
    commit: commit?.trim() ?? NO_COMMIT,
    branch: branch?.trim() ?? '',
  }
}

/** By git's own rules, for which it must have a repository: an empty one. Undefined where there is no git. */
async function listUnignored(folder: string): Promise<string[] | undefined> {
  await using empty = await mkdtempDisposable(join(tmpdir(), 'tidegate-git-'))
  const made = await git(folder, ['init', '--quiet', '--bare', '--template=', empty.path])
  if (made === undefined) return undefined
  const where = [`--git-dir=${empty.path}`, `--work-tree=${folder}`]
  const listed = await git(folder, [...where, 'ls-files', '-z', '--others', '--exclude-standard'])
  if (listed === undefined) return undefined
  const paths = listed.split('\0')
  const inner = paths.filter((path) => path.endsWith('/'))
  const trees = await Promise.all(inner.map((path) => readWorkingTree(join(folder, path))))
  return [
    ...filesIn(folder, paths),
    ...trees.flatMap(({ files }, at) => files.map((file) => `${inner[at] ?? ''}${file}`)),
  ]
}

function filesIn(folder: string, paths: readonly string[]): string[] {
  return paths.filter((path) => path !== '' && isFile(join(folder, path)))
}

/** When the commit that the folder stands on was made, in milliseconds; undefined: there is none. */
export async function committedAt(folder: string): Promise<number | undefined> {
  const commit = await git(folder, ['rev-parse', '--verify', '--quiet', 'HEAD'])
  if (commit === undefined) return undefined
  return Number(await git(folder, ['show', '--no-patch', '--format=%ct', commit.trim()])) * 1_000
}

/** The folder's name as a project's: what a pipeline file that gives no name is called here. */
export function projectNameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
  return name === '' ? 'project' : name
}

const run = promisify(execFile)

/** Undefined: git said no, there is no repository, or there is no git. */
async function git(folder: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run('git', [...args], { cwd: folder, maxBuffer: 256 << 20 })
    return stdout
  } catch (error) {
    const { code, stderr = '' } = error as { code?: number | string; stderr?: string }
    if (code === 'ENOENT' || code === 1 || !stderr.startsWith('fatal:') || stderr.includes('not a git repository')) {
      return undefined
    }
    throw new AppError('INVALID_INPUT', `git cannot read ${folder}: ${stderr.trim()}`, {}, { cause: error })
  }
}

/** Links count as files; what git lists and somebody has deleted does not. */
function isFile(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats !== undefined && (stats.isFile() || stats.isSymbolicLink())
}

async function walk(folder: string, below = ''): Promise<string[]> {
  const found: string[] = []
  for (const entry of await entriesOf(join(folder, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) found.push(...(entry.name === '.git' ? [] : await walk(folder, path)))
    else if (entry.isFile() || entry.isSymbolicLink()) found.push(path)
  }
  return found
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) throw error
    if (hasCode(error, 'ENOTDIR')) {
      throw new AppError('INVALID_INPUT', `${folder} is no folder: name the one that holds it.`, {}, { cause: error })
    }
    throw new AppError('INVALID_INPUT', `${folder} cannot be read.`, {}, { cause: error })
  }
}
