import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { sha256 } from '../lib/sha256.ts'
import { damaged } from './lost-files.ts'
import { parseTree } from './tree-paths.ts'
import type { Digest } from '../core/digest.ts'
import type { Tree } from '../core/tree.ts'
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

/** Passes the bytes on and throws at the end if they were not what the digest says. */
export async function* verified(store: Store, content: AsyncIterable<Buffer>, digest: Digest): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  for await (const chunk of content) {
    hash.update(chunk)
    yield chunk
  }
  if (`sha256:${hash.digest('hex')}` !== digest) throw await damaged(store, digest)
}
