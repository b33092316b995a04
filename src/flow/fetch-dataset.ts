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

export interface FetchOptions {
  readonly signal: AbortSignal
  /** Told before the first byte and as they come; not told of what is here already. */
  readonly progress: (receivedBytes: number, totalBytes: number) => void
}

interface Content {
  readonly digest: Digest
  readonly size: number
}

/** Brings what is not here yet into the store, streamed, and only what was named. */
export async function fetchDataset(store: Store, dataset: RemoteDataset, options: FetchOptions): Promise<void> {
  const { kind, digest, size } = dataset.artifact
  if (kind === 'file') return bring(store, dataset, [{ digest, size }], options)
  await bring(store, dataset, [{ digest, size: 0 }], { ...options, progress: () => undefined })
  const files = new Map((await readTree(store, digest)).files.map((file) => [file.digest, file]))
  await bring(store, dataset, [...files.values()], options)
}

async function bring(
  store: Store,
  dataset: RemoteDataset,
  contents: readonly Content[],
  { signal, progress }: FetchOptions,
): Promise<void> {
  const missing: Content[] = []
  for (const content of contents) if ((await store.has(content.digest)) === undefined) missing.push(content)
  if (missing.length === 0) return
  const total = missing.reduce((sum, { size }) => sum + size, 0)
  let received = 0
  progress(received, total)
  const count = (bytes: number) => progress((received += bytes), total)
  for (let from = 0; from < missing.length; from += MOST_ASKED) {
    const asked = missing.slice(from, from + MOST_ASKED).map(({ digest }) => digest)
    const source = new ByteSource(await dataset.read(asked))
    for (const digest of asked) {
      signal.throwIfAborted()
      await putNext(store, source, digest, count)
    }
  }
}

async function putNext(
  store: Store,
  source: ByteSource,
  wanted: Digest,
  count: (bytes: number) => void,
): Promise<void> {
  const header = await source.line()
  const [digest, size] = (header ?? '').split(' ')
  const bytes = Number(size)
  if (digest !== wanted || !Number.isSafeInteger(bytes)) throw sentOther(wanted, header ?? 'nothing')
  const put = await store.put(Readable.from(counted(source.chunks(bytes), count), { objectMode: false }))
  if (put.digest !== wanted) throw sentOther(wanted, put.digest)
}

async function* counted(chunks: AsyncIterable<Buffer>, count: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    count(chunk.length)
    yield chunk
  }
}

function sentOther(wanted: Digest, sent: string): AppError {
  return new AppError('UPSTREAM', `The server sent ${sent} in place of ${wanted}.`)
}
