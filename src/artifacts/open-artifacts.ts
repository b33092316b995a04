import { randomBytes } from 'node:crypto'
import { chmod, mkdir, rename, rm } from 'node:fs/promises'
import { AppError } from '../core/errors.ts'
import { hasCode } from '../lib/error-code.ts'
import { materialize, writeLarge } from './materialize.ts'
import { putFile, putFolder, putTree } from './put.ts'
import { readContent, readTree } from './read.ts'
import { isThere, putFolderAgain } from './stat-index.ts'
import type { ArtifactRef } from '../core/tree.ts'
import type { Store } from '../core/ports/store.ts'
import type { TaskArtifacts } from '../core/task.ts'

/** Files and folders over a store. Holds nothing: there is nothing to close but the store, by who opened it. */
export function openArtifacts(store: Store): TaskArtifacts {
  return {
    putFile: (path) => putFile(store, path),
    putFolder: (path) => putFolder(store, path),
    putFolderAgain: (path, indexFile) => putFolderAgain(store, path, indexFile),
    putStream: async (content) => ({ kind: 'file', ...(await store.put(content)) }),
    putTree: (files) => putTree(store, files),
    filesOf: async ({ digest }) => (await readTree(store, digest)).files,
    keep: async (digest) => (store.localPath ? isThere(store, digest) : (await store.has(digest)) !== undefined),
    wasDamaged: (digest) => store.wasSetAside(digest),
    localPath: (digest) => store.localPath?.(digest),
    async putBytes(bytes) {
      return { kind: 'file', ...(await store.put(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)) }
    },
    read: (digest) => readContent(store, digest),
    restore: (ref, path) => restore(store, ref, path),
  }
}

/**
 * All or nothing: written and verified beside `path`, then renamed to it. A file there is replaced; a folder
 * there must be empty.
 */
async function restore(store: Store, ref: ArtifactRef, path: string): Promise<void> {
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await writeWhole(store, ref, beside)
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { recursive: true, force: true })
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'EISDIR', 'ENOTDIR')) throw error
    throw new AppError(
      'ALREADY_EXISTS',
      `${path} is in the way: it exists and is not empty.`,
      { path },
      { cause: error },
    )
  }
}

async function writeWhole(store: Store, ref: ArtifactRef, path: string): Promise<void> {
  if (ref.kind === 'file') {
    await writeLarge(store, ref.digest, path)
    await chmod(path, ref.executable === true ? 0o755 : 0o644)
    return
  }
  const tree = await readTree(store, ref.digest)
  await mkdir(path)
  await materialize(store, tree.files, path, { outsideLinks: 'refuse' })
}
