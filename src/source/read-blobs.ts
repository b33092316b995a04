import { Readable } from 'node:stream'
import { AppError } from '../core/errors.ts'
import { ByteSource } from '../lib/byte-source.ts'
import { endOf, keepTail, spawnGit } from './run-git.ts'

export interface Blob {
  readonly id: string
  readonly sizeBytes: number
  /** Small blobs are held, large ones stream and must be read to their end before the next comes. */
  readonly content: Buffer | Readable
}

/** Up to here a blob is held in memory, so that several can be stored at once. */
const HELD_BYTES = 1 << 20

/** Contents of many blobs by one git process, in the order asked for. Memory stays bounded. */
export async function* readBlobs(repository: string, ids: readonly string[]): AsyncGenerator<Blob> {
  const child = spawnGit(repository, ['cat-file', '--batch'], ['pipe', 'pipe', 'pipe'])
  const ended = endOf(child, repository)
  const errors = keepTail(child.stderr!)
  // git stops listening when it fails; its exit says why.
  child.stdin!.on('error', () => undefined)
  Readable.from(ids.map((id) => `${id}\n`)).pipe(child.stdin!)
  const source = new ByteSource(child.stdout! as AsyncIterable<Buffer>)
  try {
    for (const id of ids) {
      const header = await source.line()
      const sizeBytes = Number(/^[0-9a-f]+ blob (\d+)$/.exec(header ?? '')?.[1] ?? Number.NaN)
      if (Number.isNaN(sizeBytes)) throw unreadable(repository, id, header ?? errors())
      if (sizeBytes <= HELD_BYTES) {
        yield { id, sizeBytes, content: await source.bytes(sizeBytes) }
      } else {
        yield { id, sizeBytes, content: Readable.from(source.chunks(sizeBytes), { objectMode: false }) }
      }
      await source.bytes(1)
    }
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

function unreadable(repository: string, id: string, why: string): AppError {
  return new AppError('DAMAGED', `Blob ${id} cannot be read from ${repository}: ${why}. Run git fsck there.`, { id })
}
