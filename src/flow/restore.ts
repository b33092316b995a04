import { execFile } from 'node:child_process'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { AppError } from '../core/errors.ts'
import { SCHEMA_VERSION } from '../db/migrate.ts'
import { openDatabase } from '../db/open-database.ts'
import { moveDataFolder } from '../engine/move-data.sql.ts'
import { hasCode } from '../lib/error-code.ts'
import type { BackupNote } from './back-up.ts'

export interface RestoreRequest {
  readonly file: string
  /** Must be empty, or not there. */
  readonly dataFolder: string
}

/**
 * Makes a data folder of a backup; `tidegate up` on it goes on from there. What ran when the backup was made
 * is lost to it and tried again, as after a crash. All or nothing: what fails leaves the folder empty.
 */
export async function restore({ file, dataFolder: folder }: RestoreRequest): Promise<BackupNote> {
  const dataFolder = resolve(folder)
  const note = await readNote(file)
  if (note.schema > SCHEMA_VERSION) {
    throw new AppError(
      'NEWER_SCHEMA',
      `${file} was made by Tidegate ${note.tidegate} with schema ${note.schema}; this Tidegate knows schemas up to ${SCHEMA_VERSION}. Restore it with the newer Tidegate.`,
      { found: note.schema, known: SCHEMA_VERSION },
    )
  }
  await refuseFull(dataFolder)
  await mkdir(dataFolder, { recursive: true, mode: 0o711 })
  try {
    await tar(file, ['--extract', '--no-same-owner', '--preserve-permissions', '--directory', dataFolder])
    await settleIn(note, dataFolder)
  } catch (error) {
    for (const name of await readdir(dataFolder)) await rm(join(dataFolder, name), { recursive: true, force: true })
    throw error
  }
  return note
}

async function settleIn(note: BackupNote, dataFolder: string): Promise<void> {
  await rm(join(dataFolder, 'backup.json'))
  await using database = await openDatabase(`sqlite:${join(dataFolder, 'state.db')}`)
  if (note.dataFolder !== dataFolder) {
    await database.write((writer) => moveDataFolder(writer, note.dataFolder, dataFolder))
  }
}

async function readNote(file: string): Promise<BackupNote> {
  const text = await tar(file, ['--extract', '--to-stdout', '--occurrence=1'], ['backup.json'])
  const note = JSON.parse(text) as Partial<BackupNote>
  if (note.format === 1) return note as BackupNote
  throw new AppError(
    'NEWER_SCHEMA',
    `${file} has a format that this Tidegate does not know. Restore it with the newer Tidegate that made it.`,
  )
}

async function refuseFull(dataFolder: string): Promise<void> {
  const names = await readdir(dataFolder).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  })
  if (names.length === 0) return
  throw new AppError(
    'ALREADY_EXISTS',
    `${dataFolder} is not empty. Restore into an empty folder, and start \`tidegate up --data\` there.`,
  )
}

const run = promisify(execFile)

async function tar(file: string, options: readonly string[], members: readonly string[] = []): Promise<string> {
  try {
    const { stdout } = await run('tar', ['--file', file, ...options, ...members], { maxBuffer: 64 << 20 })
    return stdout
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() ?? String(error)
    throw new AppError(
      'INVALID_INPUT',
      `${file} is no backup that \`tidegate backup\` made, or is damaged: ${said}`,
      {},
      { cause: error },
    )
  }
}
