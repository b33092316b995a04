import {
  chmodSync,
  chownSync,
  createReadStream,
  lchownSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  constants,
} from 'node:fs'
import { closeSync, fchmodSync, fchownSync, openSync, writeSync } from 'node:fs'
import { chmod, copyFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { AppError } from '../core/errors.ts'
import { hasCode } from '../lib/error-code.ts'
import { sha256 } from '../lib/sha256.ts'
import { damaged, LostFiles } from './lost-files.ts'
import { readContent, verified } from './read.ts'
import { checkTreeFiles, linkStaysInside } from './tree-paths.ts'
import type { Digest } from '../core/digest.ts'
import type { TreeFile } from '../core/tree.ts'
import type { Store } from '../core/ports/store.ts'

export interface MaterializeOptions {
  /** Who shall own every file and folder below `folder`; absent: we. */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /**
   * What to do with a symbolic link that leads out of `folder`. `keep` is for workspaces of strangers only,
   * who follow it with their own rights; whoever reads the folder for the server says `refuse`, or is told what is left out.
   */
  readonly outsideLinks: 'keep' | 'refuse' | ((path: string, target: string) => void)
  /** Empty folders to make beside the files: places to mount something. */
  readonly folders?: readonly string[]
  readonly signal?: AbortSignal
}

/** Below this a copy in memory is faster than asking the file system for a clone (0.1 ms against 0.2). */
const CLONE_BYTES = 1 << 20

/** Small files are written synchronously, three times as fast as through the thread pool, so many at a time. */
const BATCH = 64

/**
 * Writes files into a folder, each verified against its digest; large ones as clones where the file system
 * can. The folder exists and none of the files does: an existing file or a link on the way is an error.
 */
export async function materialize(
  store: Store,
  files: readonly TreeFile[],
  folder: string,
  options: MaterializeOptions,
): Promise<void> {
  checkTreeFiles(files, options.folders)
  makeFolders(files, folder, options)
  const lost = new LostFiles()
  let sinceBreath = 0
  for (const file of files) {
    if (file.symlink) continue
    await lost.note(file.path, () => writeOne(store, file, folder, options))
    if (++sinceBreath % BATCH === 0) await setImmediate()
    options.signal?.throwIfAborted()
  }
  // Links come last, so that no file is ever written through one.
  for (const file of files) {
    if (file.symlink) await lost.note(file.path, () => writeLink(store, file, folder, options))
  }
  lost.throwIfAny()
}

function makeFolders(files: readonly TreeFile[], folder: string, { owner, folders = [] }: MaterializeOptions): void {
  const made = new Set<string>(['.'])
  const make = (path: string) => {
    if (made.has(path)) return
    make(dirname(path))
    mkdirIfMissing(join(folder, path))
    if (owner) chownSync(join(folder, path), owner.uid, owner.gid)
    made.add(path)
  }
  for (const file of files) make(dirname(file.path))
  for (const path of folders) make(path)
}

async function writeOne(store: Store, file: TreeFile, folder: string, { owner }: MaterializeOptions): Promise<void> {
  const path = join(folder, file.path)
  const mode = file.executable ? 0o755 : 0o644
  if (file.size < CLONE_BYTES) {
    writeSmall(path, mode, await smallContent(store, file.digest), owner)
    return
  }
  await writeLarge(store, file.digest, path)
  await chmod(path, mode)
  if (owner) chownSync(path, owner.uid, owner.gid)
}

async function smallContent(store: Store, digest: Digest): Promise<Buffer> {
  if (!store.localPath) return readContent(store, digest)
  const bytes = readLocal(store.localPath(digest), digest)
  if (sha256(bytes) !== digest) throw await damaged(store, digest)
  return bytes
}

function readLocal(path: string, digest: Digest): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw missing(error, digest)
  }
}

function writeSmall(path: string, mode: number, bytes: Buffer, owner: MaterializeOptions['owner']): void {
  const file = openSync(path, 'wx', mode)
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
    fchmodSync(file, mode)
    if (owner) fchownSync(file, owner.uid, owner.gid)
  } finally {
    closeSync(file)
  }
}

/** Cloned first and digested then: what counts is what is in the new file. */
export async function writeLarge(store: Store, digest: Digest, path: string): Promise<void> {
  if (!store.localPath) {
    await writeFile(path, verified(store, await store.get(digest), digest), { flag: 'wx' })
    return
  }
  try {
    await copyFile(store.localPath(digest), path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
  } catch (error) {
    throw missing(error, digest)
  }
  for await (const chunk of verified(store, createReadStream(path, { highWaterMark: 1 << 20 }), digest)) void chunk
}

async function writeLink(store: Store, file: TreeFile, folder: string, options: MaterializeOptions): Promise<void> {
  const target = (await readContent(store, file.digest)).toString('utf8')
  const { outsideLinks } = options
  if (outsideLinks !== 'keep' && !linkStaysInside(file.path, target)) {
    if (outsideLinks !== 'refuse') return outsideLinks(file.path, target)
    throw new AppError('INVALID_INPUT', `The link ${file.path} leads out of its folder, to ${target}.`, {
      path: file.path,
    })
  }
  symlinkSync(target, join(folder, file.path))
  if (options.owner) lchownSync(join(folder, file.path), options.owner.uid, options.owner.gid)
}

function mkdirIfMissing(path: string): void {
  try {
    mkdirSync(path)
    // Whatever our umask is: who may come here is decided by the folders above.
    chmodSync(path, 0o755)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

function missing(error: unknown, digest: Digest): unknown {
  return hasCode(error, 'ENOENT')
    ? new AppError('NOT_FOUND', `The store has nothing called ${digest}.`, { digest }, { cause: error })
    : error
}
