import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { link, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { AppError } from '../../../core/errors.ts'
import { isDigest, type Digest } from '../../../core/digest.ts'
import { reach } from '../../../core/points.ts'
import { hasCode } from '../../../lib/error-code.ts'
import { sha256 } from '../../../lib/sha256.ts'
import { isWholeFile } from './is-whole-file.ts'
import type { Store } from '../../../core/ports/store.ts'

export type FolderStore = Store & Required<Pick<Store, 'localPath'>>

/** A writer that was killed leaves its temporary file; nobody writes one for so long. */
const STALE_MS = 24 * 3_600_000

/**
 * One file per content, `sha256/ab/cdef…`, read-only, below a folder only its owner may enter. Putting what
 * is there already makes it young again, so that garbage collection, which spares the young, cannot take it
 * from under a writer that was told it is there.
 */
export async function openFolderStore(folder: string): Promise<FolderStore> {
  const incoming = join(folder, 'incoming')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await mkdir(incoming, { recursive: true })
  // Now, because on a full disk, where most is deleted, it could not be made.
  await mkdir(leavingFolder(folder), { recursive: true })
  await removeStale(incoming)
  await putBackLeft(folder)

  const localPath = (digest: Digest) => pathIn(folder, digest)
  const damaged = join(folder, 'damaged')
  const asidePath = (digest: Digest) => join(damaged, digest.slice('sha256:'.length))

  async function sizeOf(digest: Digest): Promise<number | undefined> {
    return (await statOrNothing(localPath(digest)))?.size
  }

  /** What was set aside of it before is no answer to why it is gone, when it is gone again. */
  async function place(name: string, digest: Digest): Promise<void> {
    await settle(name, localPath(digest))
    if (existsSync(damaged)) await renameIfThere(asidePath(digest), `${asidePath(digest)}.replaced`)
  }

  async function putBytes(bytes: Uint8Array) {
    const digest = sha256(bytes)
    if (!(await touch(localPath(digest)))) {
      const name = join(incoming, randomBytes(12).toString('hex'))
      await write(name, (file) => file.writeFile(bytes))
      await place(name, digest)
    }
    return { digest, size: bytes.length }
  }

  async function putStream(content: Readable) {
    // It may fail before we begin to read, which then throws; without a listener it would end the process.
    content.on('error', () => undefined)
    const name = join(incoming, randomBytes(12).toString('hex'))
    const hash = createHash('sha256')
    let size = 0
    await write(name, async (file) => {
      for await (const chunk of content as AsyncIterable<Buffer>) {
        hash.update(chunk)
        size += chunk.length
        await file.writeFile(chunk)
      }
    })
    const digest: Digest = `sha256:${hash.digest('hex')}`
    await place(name, digest)
    return { digest, size }
  }

  return {
    localPath,
    put: (content) => (content instanceof Uint8Array ? putBytes(content) : putStream(content)),
    has: sizeOf,
    async get(digest, range) {
      if ((await sizeOf(digest)) === undefined) {
        throw new AppError('NOT_FOUND', `The store has nothing called ${digest}.`, { digest })
      }
      if (range?.end !== undefined && range.end <= range.start) return Readable.from([])
      return createReadStream(localPath(digest), { highWaterMark: 1 << 20, ...inclusive(range) })
    },
    delete: (digest, olderThan = Infinity) => removeOlder(folder, digest, olderThan),
    async setAside(digest) {
      if (await isWholeFile(localPath(digest), digest)) return false
      await mkdir(damaged, { recursive: true })
      return moveAside(localPath(digest), asidePath(digest), digest)
    },
    wasSetAside: async (digest) => (await statOrNothing(asidePath(digest))) !== undefined,
    list: () => listFiles(join(folder, 'sha256')),
    async [Symbol.asyncDispose]() {},
  }
}

type OpenFile = Awaited<ReturnType<typeof open>>

/** Synced when it returns; nothing is left when it throws. */
async function write(name: string, fill: (file: OpenFile) => Promise<void>): Promise<void> {
  const file = await open(name, 'wx', 0o444)
  try {
    await fill(file)
    await file.sync()
    await reach('content written', name)
  } catch (error) {
    await rm(name, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

async function settle(name: string, path: string): Promise<void> {
  try {
    await rename(name, path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    await mkdir(join(path, '..'), { recursive: true })
    await rename(name, path)
  }
}

/** Somebody may have put it anew since we looked: that goes back. */
async function moveAside(path: string, aside: string, digest: Digest): Promise<boolean> {
  if (!(await renameIfThere(path, aside))) return false
  if (!(await isWholeFile(aside, digest))) {
    // It is kept for a while from now on.
    await touch(aside)
    return true
  }
  await rename(aside, path)
  return false
}

/** Where content stands between its name and nothing; a process that is killed leaves it here. */
function leavingFolder(folder: string): string {
  return join(folder, 'leaving')
}

/** Once it has lost its name no `put` can make it young any more: what was made young before that goes back. */
async function removeOlder(folder: string, digest: Digest, olderThan: number): Promise<boolean> {
  const path = pathIn(folder, digest)
  const found = await statOrNothing(path)
  if (found === undefined) return true
  if (found.mtimeMs > olderThan) return false
  const leaving = join(leavingFolder(folder), `${digest.slice('sha256:'.length)}.${randomBytes(6).toString('hex')}`)
  if (!(await renameIfThere(path, leaving))) return true
  const taken = await statOrNothing(leaving)
  // Another process has opened the store, and put it back.
  if (taken === undefined) return false
  if (taken.mtimeMs > olderThan) {
    await renameIfThere(leaving, path)
    return false
  }
  await rm(leaving, { force: true })
  return true
}

/** It may have been young. A process that was about to remove it says that it is there, and does so the next time. */
async function putBackLeft(folder: string): Promise<void> {
  for (const name of await namesIn(leavingFolder(folder))) {
    const digest = `sha256:${name.split('.')[0]}`
    const leaving = join(leavingFolder(folder), name)
    if (isDigest(digest)) await linkIfMissing(leaving, pathIn(folder, digest))
    await rm(leaving, { force: true })
  }
}

async function linkIfMissing(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!hasCode(error, 'EEXIST', 'ENOENT')) throw error
  }
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** Says whether it is there. */
async function touch(path: string): Promise<boolean> {
  const now = new Date()
  try {
    await utimes(path, now, now)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** Our ranges end before `end`, Node's with it. */
function inclusive(range?: { start: number; end?: number }): { start?: number; end?: number } {
  if (!range) return {}
  return range.end === undefined ? { start: range.start } : { start: range.start, end: range.end - 1 }
}

function pathIn(folder: string, digest: Digest): string {
  if (!isDigest(digest)) throw new AppError('INVALID_INPUT', `"${String(digest)}" is not a digest.`)
  const hex = digest.slice('sha256:'.length)
  return join(folder, 'sha256', hex.slice(0, 2), hex.slice(2))
}

async function* listFiles(folder: string) {
  for (const prefix of await namesIn(folder)) {
    for (const rest of await namesIn(join(folder, prefix))) {
      const digest = `sha256:${prefix}${rest}`
      const file = await statOrNothing(join(folder, prefix, rest))
      if (file && isDigest(digest)) yield { digest, size: file.size, modifiedAt: Math.floor(file.mtimeMs) }
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

async function statOrNothing(path: string) {
  try {
    return await stat(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

async function removeStale(incoming: string): Promise<void> {
  for (const name of await namesIn(incoming)) {
    const file = await statOrNothing(join(incoming, name))
    if (file && Date.now() - file.mtimeMs > STALE_MS) await rm(join(incoming, name), { force: true })
  }
}
