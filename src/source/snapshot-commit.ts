import type { Digest } from '../core/digest.ts'
import { AppError } from '../core/errors.ts'
import type { Store } from '../core/ports/store.ts'
import type { Tree, TreeFile } from '../core/tree.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { addToBlobIndex, readBlobIndex, type IndexedBlob } from './blob-index.ts'
import { readBlobs, type Blob } from './read-blobs.ts'
import { listCommitFiles, type CommittedFile } from './read-commit.ts'

export interface Snapshot {
  readonly tree: Digest
  readonly files: readonly TreeFile[]
  /** Files whose content is elsewhere (Git LFS): a step would read the pointer's three lines instead. */
  readonly lfsPointers: readonly string[]
}

/**
 * Puts the files of a commit into the store, and the tree that names them. Files that any earlier commit
 * had are not read again. `folder` is the project's, for repositories with several. Submodules are refused
 * by name (NOT_AVAILABLE_YET); symbolic links stay links.
 */
export async function snapshotCommit(store: Store, repository: string, commit: string, folder = ''): Promise<Snapshot> {
  const listed = await listCommitFiles(repository, commit, folder)
  refuseSubmodules(listed)
  const blobs = await storeBlobs(store, repository, listed)
  const files = listed.map((file) => asTreeFile(file, blobs.get(file.blob)!))
  files.sort((a, b) => (a.path < b.path ? -1 : 1))
  const tree: Tree = { kind: 'tree', files }
  const { digest } = await store.put(Buffer.from(canonicalJson(tree)))
  const lfsPointers = listed.filter((file) => blobs.get(file.blob)!.isLfsPointer).map((file) => file.path)
  return { tree: digest, files, lfsPointers }
}

function refuseSubmodules(files: readonly CommittedFile[]): void {
  const names = files.filter((file) => file.mode === 'submodule').map((file) => file.path)
  if (names.length === 0) return
  throw new AppError(
    'NOT_AVAILABLE_YET',
    `${names.slice(0, 5).join(', ')} ${names.length === 1 ? 'is a submodule' : 'are submodules'}, whose files are in another repository. Commit the files themselves, or install them as a package.`,
    { submodules: names },
  )
}

async function storeBlobs(
  store: Store,
  repository: string,
  files: readonly CommittedFile[],
): Promise<ReadonlyMap<string, IndexedBlob>> {
  const known = await stillStored(store, await readBlobIndex(repository), files)
  const missing = [...new Set(files.map((file) => file.blob))].filter((blob) => !known.has(blob))
  if (missing.length === 0) return known
  const added = await putBlobs(store, readBlobs(repository, missing))
  await addToBlobIndex(repository, added)
  return new Map([...known, ...added])
}

/** How many are looked up, or stored, at once: each waits for the disk. */
const AT_ONCE = 16

/** Garbage collection may have taken what the index remembers, so the store is asked. */
async function stillStored(
  store: Store,
  index: ReadonlyMap<string, IndexedBlob>,
  files: readonly CommittedFile[],
): Promise<Map<string, IndexedBlob>> {
  const found = new Map<string, IndexedBlob>()
  const candidates = [...new Set(files.map((file) => file.blob))].filter((blob) => index.has(blob))
  for (let start = 0; start < candidates.length; start += AT_ONCE) {
    const look = async (blob: string) => {
      const entry = index.get(blob)!
      if ((await store.has(entry.digest)) !== undefined) found.set(blob, entry)
    }
    await Promise.all(candidates.slice(start, start + AT_ONCE).map(look))
  }
  return found
}

async function putBlobs(store: Store, blobs: AsyncIterable<Blob>): Promise<Map<string, IndexedBlob>> {
  const added = new Map<string, IndexedBlob>()
  let waiting: Promise<void>[] = []
  for await (const blob of blobs) {
    const stored = store.put(blob.content).then(({ digest, size }) => {
      added.set(blob.id, { digest, size, isLfsPointer: isLfsPointer(blob) })
    })
    // A failure is thrown by the next `all`; until then it must not count as unhandled.
    stored.catch(() => undefined)
    waiting.push(stored)
    if (waiting.length < AT_ONCE && Buffer.isBuffer(blob.content)) continue
    await Promise.all(waiting)
    waiting = []
  }
  await Promise.all(waiting)
  return added
}

function isLfsPointer(blob: Blob): boolean {
  if (!Buffer.isBuffer(blob.content) || blob.sizeBytes > 1_024) return false
  return blob.content.toString('latin1').startsWith('version https://git-lfs.github.com/spec/')
}

function asTreeFile(file: CommittedFile, blob: IndexedBlob): TreeFile {
  return {
    path: file.path,
    digest: blob.digest,
    size: blob.size,
    executable: file.mode === 'executable',
    ...(file.mode === 'symlink' && { symlink: true }),
  }
}
