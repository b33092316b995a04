import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, link, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { AppError } from '../core/errors.ts'
import { reach } from '../core/points.ts'
import { SCHEMA_VERSION } from '../db/migrate.ts'
import { openDatabase, type Reader } from '../db/open-database.ts'
import { hasCode } from '../lib/error-code.ts'
import { version } from '../lib/version.ts'
import { listProjects, type Project } from '../source/projects.ts'
import { knownRefs } from '../source/known-refs.sql.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { runGit, tryGit } from '../source/run-git.ts'

/** `backup.json`, the first file of a backup. */
export interface BackupNote {
  readonly format: 1
  readonly tidegate: string
  readonly schema: number
  /** Where it was: attempts in the database are named by their folders. */
  readonly dataFolder: string
  readonly createdAt: number
}

export interface BackupRequest {
  readonly dataFolder: string
  readonly databaseUrl: string
  /** The tar to write; must not exist. */
  readonly file: string
}

/** Of the folder in the data folder in which a backup is put together. */
export const BACKUP_PREFIX = 'backup-'

/** What is copied as it is. Environments, restored bundles and the gateway's own are made again. */
const FOLDERS = ['keys', 'attempts', 'predictions', join('gateway', 'spool'), 'store'] as const

const ATTEMPT_OWN = /^(claim\.json|.*\.tmp)$/

/**
 * One tar of a stopped or running installation. The database is taken first, in one read transaction; all
 * that its rows name is content that is only added to, so what is linked afterwards has it all. Refs that
 * moved in between are set back to what the rows know.
 */
export async function backUp({ dataFolder: folder, databaseUrl, file }: BackupRequest): Promise<{ bytes: number }> {
  const dataFolder = resolve(folder)
  const database = sqliteFile(databaseUrl)
  if (!existsSync(database))
    throw new AppError('NOT_FOUND', `There is no installation in ${dataFolder}: ${database} is missing.`)
  if (existsSync(file))
    throw new AppError('ALREADY_EXISTS', `${file} is there already. Name another file, or move it away.`)
  // Beside what it links to: links do not leave a file system.
  const keyBefore = await readKey(dataFolder)
  const staged = await mkdtemp(join(dataFolder, BACKUP_PREFIX))
  try {
    copyDatabase(database, join(staged, 'state.db'))
    await note(staged, dataFolder)
    await reach('database saved', staged)
    await mkdir(join(staged, 'gateway'), { mode: 0o700 })
    for (const name of FOLDERS)
      await linkTree(join(dataFolder, name), join(staged, name), name === 'attempts' ? ATTEMPT_OWN : undefined)
    await linkFile(join(dataFolder, 'admin-token'), join(staged, 'admin-token'))
    await linkRepositories(dataFolder, staged)
    await refuseOtherKey(keyBefore, staged)
    return await pack(staged, resolve(file))
  } finally {
    await rm(staged, { recursive: true, force: true })
  }
}

function readKey(folder: string): Promise<Buffer | undefined> {
  return readFile(join(folder, SECRETS_KEY)).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
}

const SECRETS_KEY = join('keys', 'secrets.key')

/** Rows that were taken before a rotation do not open with the key that came after. */
async function refuseOtherKey(before: Buffer | undefined, staged: string): Promise<void> {
  const after = await readKey(staged)
  if (before === undefined || after === undefined || before.equals(after)) return
  throw new AppError(
    'STATE_CONFLICT',
    'The key of secrets was replaced while the backup was made, so it would not open them. Make it again.',
  )
}

function sqliteFile(url: string): string {
  if (url.startsWith('sqlite:')) return resolve(url.slice('sqlite:'.length))
  throw new AppError(
    'NOT_AVAILABLE_YET',
    'This installation keeps its state in Postgres, which `tidegate backup` cannot save. Run `pg_dump --format=custom` first, then copy the folders store, repositories, keys, attempts and predictions of the data folder; to restore, `pg_restore` and copy them back.',
  )
}

function copyDatabase(from: string, to: string): void {
  const connection = new DatabaseSync(from, { timeout: 10_000 })
  try {
    connection.prepare('vacuum into ?').run(to)
  } finally {
    connection.close()
  }
}

async function note(staged: string, dataFolder: string): Promise<void> {
  const connection = new DatabaseSync(join(staged, 'state.db'))
  const row = connection.prepare("select value from meta where key = 'schema'").get()
  connection.close()
  const schema = Number(row?.['value'] ?? 0)
  if (schema > SCHEMA_VERSION) {
    throw new AppError(
      'NEWER_SCHEMA',
      `The database has schema ${schema}; this Tidegate knows schemas up to ${SCHEMA_VERSION}. Back it up with the newer Tidegate that wrote it.`,
    )
  }
  const said: BackupNote = { format: 1, tidegate: version(), schema, dataFolder, createdAt: Date.now() }
  await writeFile(join(staged, 'backup.json'), JSON.stringify(said, null, 2))
}

/**
 * Refs before objects, and loose objects before packs: whatever a ref names, and whatever is packed while we
 * look, is then in what was looked at later. Locks and half-written files are left out.
 */
async function linkRepositories(dataFolder: string, staged: string): Promise<void> {
  await using database = await openDatabase(`sqlite:${join(staged, 'state.db')}`)
  for (const name of await namesIn(join(dataFolder, 'repositories'))) {
    if (!name.endsWith('.git')) continue
    const from = join(dataFolder, 'repositories', name)
    const to = join(staged, 'repositories', name)
    await linkTree(join(from, 'refs'), join(to, 'refs'), HALF_WRITTEN)
    for (const other of await namesIn(from)) {
      if (other === 'refs' || other === 'objects' || HALF_WRITTEN.test(other)) continue
      await linkTree(join(from, other), join(to, other), HALF_WRITTEN)
    }
    await linkTree(join(from, 'objects'), join(to, 'objects'), /^(pack|tmp_.*|incoming-.*|.*\.lock)$/)
    await linkTree(join(from, 'objects', 'pack'), join(to, 'objects', 'pack'), HALF_WRITTEN)
    await mkdir(join(to, 'objects', 'info'), { recursive: true })
  }
  await setBackRefs(database.read, staged)
}

const HALF_WRITTEN = /^(tmp_.*|\.tmp.*|.*\.lock)$/

/** A push that came after the database was taken: its commits stay, but nothing points to them. */
async function setBackRefs(reader: Reader, staged: string): Promise<void> {
  for (const repository of await repositoryNames(reader)) {
    const folder = repositoryFolder(staged, { repository })
    if (!existsSync(folder)) continue
    const current = await refsOf(folder)
    for (const [ref, commit] of await knownRefs(reader, repository)) {
      const isDeleted = /^0+$/.test(commit)
      if (isDeleted && current.has(ref)) await tryGit(folder, ['update-ref', '-d', ref])
      else if (!isDeleted && current.get(ref) !== commit) await tryGit(folder, ['update-ref', ref, commit])
    }
  }
}

async function repositoryNames(reader: Reader): Promise<Set<string>> {
  const projects: Project[] = []
  for (let page = await listProjects(reader); page.length > 0;) {
    projects.push(...page)
    page = await listProjects(reader, page.at(-1)?.name)
  }
  return new Set(projects.map(({ repository }) => repository))
}

async function refsOf(repository: string): Promise<Map<string, string>> {
  const listed = await runGit(repository, ['for-each-ref', '--format=%(refname) %(objectname)'])
  const lines = listed
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]))
}

async function linkTree(from: string, to: string, except?: RegExp): Promise<void> {
  const entries = await entriesIn(from)
  if (entries === undefined) return linkFile(from, to)
  await mkdir(to, { recursive: true, mode: await modeOf(from) })
  for (const entry of entries) {
    if (except?.test(entry.name) === true) continue
    const source = join(from, entry.name)
    if (entry.isDirectory()) await linkTree(source, join(to, entry.name), except)
    else if (entry.isFile()) await linkFile(source, join(to, entry.name))
  }
}

/** Folders that only we may enter stay so. */
async function modeOf(folder: string): Promise<number> {
  try {
    return (await stat(folder)).mode & 0o777
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0o700
    throw error
  }
}

/** Undefined for a file; nothing for what is gone. */
async function entriesIn(path: string) {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    if (hasCode(error, 'ENOTDIR')) return undefined
    throw error
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return ((await entriesIn(folder)) ?? []).map(({ name }) => name).sort()
}

/** What is gone by now was nobody's any more when the database was taken. */
async function linkFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    if (!hasCode(error, 'EXDEV', 'EPERM', 'EMLINK')) throw error
    await copyFile(from, to)
  }
}

const run = promisify(execFile)

/** A log that grows while it is read is exit code 1: what it had is in. Whole or not at all: renamed at the end. */
async function pack(staged: string, file: string): Promise<{ bytes: number }> {
  const half = join(dirname(file), `.${basename(file)}.half`)
  const others = (await namesIn(staged)).filter((name) => name !== 'backup.json')
  try {
    await run(
      'tar',
      ['--create', '--file', half, '--directory', staged, '--hard-dereference', 'backup.json', ...others],
      {
        maxBuffer: 64 << 20,
      },
    )
  } catch (error) {
    if ((error as { code?: unknown }).code !== 1) {
      await rm(half, { force: true })
      throw new AppError('UPSTREAM', `tar could not write ${file}: ${(error as Error).message}`, {}, { cause: error })
    }
  }
  await rename(half, file)
  return { bytes: (await stat(file)).size }
}
