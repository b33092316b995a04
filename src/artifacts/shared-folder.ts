import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, statSync, utimesSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Digest } from '../core/digest.ts'
import type { Store } from '../core/ports/store.ts'
import type { TreeFile } from '../core/tree.ts'
import { hasCode } from '../lib/error-code.ts'
import { holdLock } from '../lib/hold-lock.ts'
import { mapBounded } from '../lib/map-bounded.ts'
import { removeFolder } from '../lib/remove-folder.ts'
import { LostFiles } from './lost-files.ts'
import { materialize } from './materialize.ts'
import { readTree, verifyFile } from './read.ts'
import { checkTreeFiles } from './tree-paths.ts'

/** Where shared folders are: whoever may not enter the store may not enter it either. */
export function sharedFolders(storeFolder: string): string {
  return join(dirname(storeFolder), 'folders')
}

export function sharedFolderOf(storeFolder: string, tree: Digest): string {
  return join(sharedFolders(storeFolder), tree.replace('sha256:', ''))
}

/**
 * The files of a tree as one folder that nobody may write, for all who read it: made and verified once, by the first
 * of them. Its files are the store's own by another name, so it costs no room; it stays good as long as the store
 * still has these very files, which is asked each time. Made young each time, so that garbage collection spares it.
 */
export async function shareFolder(
  store: Store,
  storeFolder: string,
  tree: Digest,
  signal: AbortSignal,
): Promise<string> {
  const folder = sharedFolderOf(storeFolder, tree)
  mkdirSync(sharedFolders(storeFolder), { recursive: true, mode: 0o700 })
  using _lock = await lockShared(folder, signal)
  const { files } = await readTree(store, tree)
  if (!(await isGood(store, folder, files))) {
    leaveToReaders(folder)
    await make(store, folder, files, signal)
  }
  utimesSync(folder, new Date(), new Date())
  return folder
}

/** A step may be reading it through its mount: garbage collection removes it, when it has not been touched for a day. */
function leaveToReaders(folder: string): void {
  if (!existsSync(folder)) return
  const old = `${folder}.${randomBytes(6).toString('hex')}.old`
  renameSync(folder, old)
  utimesSync(old, new Date(), new Date())
}

/** Held by who makes, takes or removes a shared folder: one of 256 locks, which are never removed. */
export function lockShared(folder: string, signal: AbortSignal): Promise<Disposable> {
  const file = join(dirname(folder), `${basename(folder).slice(0, 2)}.lock`)
  return holdLock(file, signal, () => undefined)
}

/** Files are looked at synchronously, which is twenty times as fast, so many at a time. */
const BATCH = 200

/** A file that has no other name is a copy of our own, which a power cut may have left empty. */
async function isGood(store: Store, folder: string, files: readonly TreeFile[]): Promise<boolean> {
  if (!existsSync(folder)) return false
  for (const [at, { path, digest, size, symlink }] of files.entries()) {
    if (at % BATCH === 0) await setImmediate()
    if (symlink || store.localPath === undefined) continue
    const own = statSync(join(folder, path), { throwIfNoEntry: false })
    if (own?.size !== size) return false
    if (own.nlink > 1 && statSync(store.localPath(digest), { throwIfNoEntry: false })?.ino !== own.ino) return false
  }
  return true
}

async function make(store: Store, folder: string, files: readonly TreeFile[], signal: AbortSignal): Promise<void> {
  const beside = `${folder}.${randomBytes(6).toString('hex')}.tmp`
  mkdirSync(beside, { mode: 0o755 })
  try {
    checkTreeFiles(files)
    const copied = await linkFiles(store, files, beside, signal)
    await materialize(store, copied, beside, { outsideLinks: 'refuse', signal })
    const copies = copied.filter(({ symlink }) => !symlink).map(({ path }) => join(beside, path))
    await mapBounded(copies, 8, sync)
    close(beside, new Set(copies))
    renameSync(beside, folder)
  } catch (error) {
    await removeFolder(beside)
    throw error
  }
}

/** Answers with what must be a copy: it has another mode, or the file system has no more names for it. */
async function linkFiles(
  store: Store,
  files: readonly TreeFile[],
  folder: string,
  signal: AbortSignal,
): Promise<TreeFile[]> {
  const copied: TreeFile[] = []
  const lost = new LostFiles()
  for (const [at, file] of files.entries()) {
    if (at % BATCH === 0) await setImmediate()
    signal.throwIfAborted()
    if (file.symlink || file.executable || store.localPath === undefined) copied.push(file)
    else if (!tryLink(store.localPath(file.digest), join(folder, file.path))) copied.push(file)
    else await lost.note(file.path, () => verifyFile(store, file))
  }
  lost.throwIfAny()
  return copied
}

function tryLink(from: string, to: string): boolean {
  try {
    mkdirSync(dirname(to), { recursive: true })
    linkSync(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EXDEV', 'EMLINK', 'EPERM', 'ENOENT')) return false
    throw error
  }
}

/** A copy is verified once, when it is made: the disk has to have it before it counts. Links are the store's, which has synced them. */
async function sync(path: string): Promise<void> {
  await using file = await open(path, 'r')
  await file.sync()
}

/** Everybody may read it, nobody write. */
function close(folder: string, copied: ReadonlySet<string>): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) close(path, copied)
    else if (copied.has(path)) chmodSync(path, (statSync(path).mode & 0o111) === 0 ? 0o444 : 0o555)
  }
  chmodSync(folder, 0o555)
}
