import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { sha256 } from '../lib/sha256.ts'
import { damaged } from './lost-files.ts'
import { parseTree } from './tree-paths.ts'
import type { Digest } from '../core/digest.ts'
import type { Tree, TreeFile } from '../core/tree.ts'
import type { Store } from '../core/ports/store.ts'

/** The bytes, verified. For content that fits into memory. */
export async function readContent(store: Store, digest: Digest): Promise<Buffer> {
  const bytes = await buffer(await store.get(digest))
  if (sha256(bytes) !== digest) throw await damaged(store, digest)
  return bytes
}

export async function readTree(store: Store, digest: Digest): Promise<Tree> {
  return parseTree((await readContent(store, digest)).toString('utf8'))
}

/** Read at once below this size, which is several times as fast as a stream. */
const WHOLE_BYTES = 1 << 20

/** Fails where the content of a file is not what its digest says. */
export async function verifyFile(store: Store, { digest, size }: TreeFile): Promise<void> {
  if (store.localPath !== undefined && size < WHOLE_BYTES) {
    if (sha256(readFileSync(store.localPath(digest))) !== digest) throw await damaged(store, digest)
    return
  }
  for await (const chunk of verified(store, await store.get(digest), digest)) void chunk
}

/** Passes the bytes on and throws at the end if they were not what the digest says. */
export async function* verified(store: Store, content: AsyncIterable<Buffer>, digest: Digest): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  for await (const chunk of content) {
    hash.update(chunk)
    yield chunk
  }
  if (`sha256:${hash.digest('hex')}` !== digest) throw await damaged(store, digest)
}
