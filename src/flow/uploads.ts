import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { AppError } from '../core/errors.ts'
import type { Digest } from '../core/digest.ts'
import { limit } from '../core/limits.ts'
import type { Store } from '../core/ports/store.ts'
import type { Installation } from './installation.ts'

type Needs = Pick<Installation, 'dataFolder' | 'store'>

/**
 * What a project was sent is marked by an empty file `<data>/uploads/<project>/<digest>`: the store is shared,
 * and who only knows the digest of another project's content must not come by it.
 */
export function wasSent({ dataFolder }: Needs, project: string, digest: Digest): boolean {
  return existsSync(markOf(dataFolder, project, digest))
}

/** Of these, what was not sent yet, or is gone from the store since. */
export async function findMissing(needs: Needs, project: string, digests: readonly Digest[]): Promise<Digest[]> {
  const missing: Digest[] = []
  for (const digest of new Set(digests)) {
    if (!wasSent(needs, project, digest) || !(await isKept(needs.store, digest))) missing.push(digest)
  }
  return missing
}

/** Refused where the bytes are something else than their name. */
export async function receive(
  needs: Needs,
  project: string,
  digest: Digest,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  await keep(needs, project, digest, checked(content, digest, limit('contentPartBytes')))
}

export async function joinParts(
  needs: Needs,
  project: string,
  digest: Digest,
  parts: readonly Digest[],
): Promise<void> {
  const missing = await findMissing(needs, project, parts)
  if (missing.length > 0) throw new AppError('NOT_FOUND', `${missing.length} parts were not sent yet.`, { missing })
  await keep(needs, project, digest, checked(inOrder(needs.store, parts), digest, Number.MAX_SAFE_INTEGER))
}

async function keep(needs: Needs, project: string, digest: Digest, content: AsyncIterable<Uint8Array>): Promise<void> {
  await needs.store.put(Readable.from(content))
  const mark = markOf(needs.dataFolder, project, digest)
  mkdirSync(join(mark, '..'), { recursive: true, mode: 0o700 })
  writeFileSync(mark, '')
}

async function* inOrder(store: Store, parts: readonly Digest[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* (await store.get(part)) as AsyncIterable<Uint8Array>
}

async function* checked(
  content: AsyncIterable<Uint8Array>,
  digest: Digest,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of content) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new AppError('TOO_LARGE', `One part has at most ${maxBytes} bytes. Send it in parts.`)
    hash.update(chunk)
    yield chunk
  }
  if (`sha256:${hash.digest('hex')}` === digest) return
  throw new AppError('INVALID_INPUT', `What came is not ${digest}. Send it again; it may have been changed meanwhile.`)
}

/** Content that nothing refers to yet is spared by garbage collection for a day from when it was put. */
async function isKept(store: Store, digest: Digest): Promise<boolean> {
  return (await store.has(digest)) !== undefined
}

function markOf(dataFolder: string, project: string, digest: Digest): string {
  const hex = digest.replace('sha256:', '')
  return join(dataFolder, 'uploads', project, hex.slice(0, 2), hex.slice(2))
}
