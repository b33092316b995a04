import type { Readable } from 'node:stream'
import type { Champion } from '../core/champion.ts'
import type { Digest } from '../core/digest.ts'
import { AppError } from '../core/errors.ts'
import type { Store } from '../core/ports/store.ts'
import type { Tree } from '../core/tree.ts'
import { canonicalJson } from '../lib/canonical-json.ts'

/** A server's champion, and its content by digest. */
export interface RemoteChampion extends Champion {
  read(digest: Digest): Promise<Readable>
}

/**
 * Brings what a host of it needs into the store, once: content is named by its digest, so what is there is
 * not asked for again, and what comes is what was named or is refused. The manifest is held against the
 * bundle's digest too.
 */
export async function fetchChampion(store: Store, champion: RemoteChampion): Promise<void> {
  const { manifest, bundle, answers } = champion
  await putChecked(store, bundle, Buffer.from(canonicalJson(manifest)))
  await bring(store, manifest.files.digest, champion)
  const tree = await readAll(store, manifest.files.digest)
  for (const { digest } of (JSON.parse(tree.toString()) as Tree).files) await bring(store, digest, champion)
  for (const digest of [manifest.reference?.digest, answers]) {
    if (digest !== undefined) await bring(store, digest, champion)
  }
}

async function bring(store: Store, digest: Digest, champion: RemoteChampion): Promise<void> {
  if ((await store.has(digest)) === undefined) await putChecked(store, digest, await champion.read(digest))
}

async function readAll(store: Store, digest: Digest): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await store.get(digest)) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

async function putChecked(store: Store, wanted: Digest, content: Readable | Uint8Array): Promise<void> {
  const { digest } = await store.put(content)
  if (digest !== wanted) throw new AppError('UPSTREAM', `the server sent ${digest} in place of ${wanted}`)
}
