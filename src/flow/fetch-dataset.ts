import { Readable } from 'node:stream'
import { readTree } from '../artifacts/read.ts'
import type { Digest } from '../core/digest.ts'
import { AppError } from '../core/errors.ts'
import type { Store } from '../core/ports/store.ts'
import { ByteSource } from '../lib/byte-source.ts'
import type { Frozen } from './frozen-datasets.ts'

/** A dataset of a server, and its contents. */
export interface RemoteDataset extends Frozen {
  /** In the order asked for, each after a line with its digest and size. */
  read(digests: readonly Digest[]): Promise<AsyncIterable<Buffer>>
}

/** So many are asked for at a time. */
const MOST_ASKED = 5_000

/** Brings what is not here yet into the store, streamed, and only what was named. */
export async function fetchDataset(store: Store, dataset: RemoteDataset, signal: AbortSignal): Promise<void> {
  const { kind, digest } = dataset.artifact
  await bring(store, dataset, [digest], signal)
  if (kind === 'file') return
  const files = (await readTree(store, digest)).files.map((file) => file.digest)
  await bring(store, dataset, [...new Set(files)], signal)
}

async function bring(
  store: Store,
  dataset: RemoteDataset,
  digests: readonly Digest[],
  signal: AbortSignal,
): Promise<void> {
  const missing: Digest[] = []
  for (const digest of digests) if ((await store.has(digest)) === undefined) missing.push(digest)
  for (let from = 0; from < missing.length; from += MOST_ASKED) {
    const asked = missing.slice(from, from + MOST_ASKED)
    const source = new ByteSource(await dataset.read(asked))
    for (const digest of asked) {
      signal.throwIfAborted()
      await putNext(store, source, digest)
    }
  }
}

async function putNext(store: Store, source: ByteSource, wanted: Digest): Promise<void> {
  const header = await source.line()
  const [digest, size] = (header ?? '').split(' ')
  const bytes = Number(size)
  if (digest !== wanted || !Number.isSafeInteger(bytes)) throw sentOther(wanted, header ?? 'nothing')
  const put = await store.put(Readable.from(source.chunks(bytes), { objectMode: false }))
  if (put.digest !== wanted) throw sentOther(wanted, put.digest)
}

function sentOther(wanted: Digest, sent: string): AppError {
  return new AppError('UPSTREAM', `The server sent ${sent} in place of ${wanted}.`)
}
