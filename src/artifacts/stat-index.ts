import { lstatSync, mkdirSync, readlinkSync, statSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { isDigest, type Digest } from '../core/digest.ts'
import { hasCode } from '../lib/error-code.ts'
import { readJsonFile, replaceJsonFile } from '../lib/json-file.ts'
import { mapBounded } from '../lib/map-bounded.ts'
import { putFile, putLink, putTree, walk } from './put.ts'
import type { BigIntStats } from 'node:fs'
import type { Store } from '../core/ports/store.ts'
import type { ArtifactRef, TreeFile } from '../core/tree.ts'

/**
 * A file that was changed so shortly before we looked may change again without its times telling (their
 * grain is a clock tick, on some file systems two seconds): it is not remembered, and read again next time.
 */
const RACY_NS = 2_000_000_000n

/** Well below the age from which garbage collection judges. */
const YOUNG_MS = 600_000

/** What a file was like when we read it, and what was in it: `size mtime ctime inode`, digest. */
type Remembered = Readonly<Record<string, readonly [stamp: string, digest: Digest]>>

/**
 * Puts a working folder's files into the store and says what they are, reading only those whose size, times
 * or inode changed since the last call with the same `indexFile`. Paths that are not there are left out: git
 * lists deleted files too. Links are taken as links.
 */
export function snapshotFiles(
  store: Store,
  indexFile: string,
  root: string,
  paths: readonly string[],
): Promise<TreeFile[]> {
  return snapshot(store, indexFile, root, paths, snapshotLink)
}

/** A whole folder, as `putFolder`: links that lead out of it are refused. */
export async function putFolderAgain(store: Store, folder: string, indexFile: string): Promise<ArtifactRef> {
  const paths = (await walk(folder)).map(({ path }) => path)
  return putTree(store, await snapshot(store, indexFile, folder, paths, putLink))
}

async function snapshot(
  store: Store,
  indexFile: string,
  root: string,
  paths: readonly string[],
  putLinkAt: (store: Store, root: string, path: string) => Promise<TreeFile>,
): Promise<TreeFile[]> {
  const known = readIndex(indexFile)
  const next: Record<string, readonly [string, Digest]> = {}
  let isNews = false
  const files = await mapBounded(paths, 8, async (path): Promise<TreeFile | undefined> => {
    const stats = lstatOrNothing(join(root, path))
    if (!stats || stats.isDirectory()) return undefined
    if (stats.isSymbolicLink()) return putLinkAt(store, root, path)
    if (!stats.isFile()) return undefined

    const stamp = stampOf(stats)
    const remembered = known[path]
    const isKnown = remembered?.[0] === stamp && isThere(store, remembered[1])
    const digest = isKnown ? remembered[1] : await readUnchanged(store, join(root, path), stats)
    if (isKnown || !isRacy(stats)) next[path] = [stamp, digest]
    isNews ||= !isKnown
    return { path, digest, size: Number(stats.size), executable: (stats.mode & 0o100n) !== 0n }
  })
  if (isNews || Object.keys(next).length < Object.keys(known).length) writeIndex(indexFile, next)
  return files.filter((file) => file !== undefined)
}

/** Of the content that was there when `stats` was taken; somebody writing meanwhile is told to wait. */
async function readUnchanged(store: Store, path: string, stats: BigIntStats): Promise<Digest> {
  const { digest } = await putFile(store, path)
  const after = lstatOrNothing(path)
  if (!after || stampOf(after) !== stampOf(stats)) {
    throw new AppError('STATE_CONFLICT', `${path} changed while it was read. Run again when nobody writes it.`, {
      path,
    })
  }
  return digest
}

async function snapshotLink(store: Store, root: string, path: string): Promise<TreeFile> {
  const target = await store.put(Buffer.from(readlinkSync(join(root, path))))
  return { path, ...target, executable: false, symlink: true }
}

/** And stays: as a `put` of it would, we make it young before garbage collection may judge it. */
export function isThere(store: Store, digest: Digest): boolean {
  if (!store.localPath) return false
  const path = store.localPath(digest)
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats && Date.now() - stats.mtimeMs > YOUNG_MS) utimesSync(path, new Date(), new Date())
  return stats !== undefined
}

function stampOf(stats: BigIntStats): string {
  return `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${stats.ino}`
}

function isRacy(stats: BigIntStats): boolean {
  const changed = stats.mtimeNs > stats.ctimeNs ? stats.mtimeNs : stats.ctimeNs
  return BigInt(Date.now()) * 1_000_000n - changed < RACY_NS
}

function lstatOrNothing(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })
}

/** An index that cannot be read is no harm: everything is read again. */
function readIndex(indexFile: string): Remembered {
  try {
    return onlyRemembered(readJsonFile(indexFile))
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

function onlyRemembered(value: unknown): Remembered {
  const entries = Object.entries(value ?? {}).filter(([, entry]) => Array.isArray(entry) && isDigest(String(entry[1])))
  return Object.fromEntries<Remembered[string]>(entries as [string, Remembered[string]][])
}

function writeIndex(indexFile: string, index: Remembered): void {
  try {
    replaceJsonFile(indexFile, index)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    mkdirSync(dirname(indexFile), { recursive: true })
    replaceJsonFile(indexFile, index)
  }
}
