import { Readable } from 'node:stream'
import { AppError } from '../core/errors.ts'
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
  const ended = endOf(child)
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

/** Lines and counted bytes out of a stream of chunks. */
class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  async line(): Promise<string | undefined> {
    let end = this.#rest.indexOf(10)
    while (end === -1) {
      if (!(await this.#more())) return undefined
      end = this.#rest.indexOf(10)
    }
    const line = this.#rest.subarray(0, end).toString('utf8')
    this.#rest = this.#rest.subarray(end + 1)
    return line
  }

  async bytes(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const chunk of this.chunks(count)) parts.push(chunk)
    return Buffer.concat(parts)
  }

  async *chunks(count: number): AsyncGenerator<Buffer> {
    let left = count
    while (left > 0) {
      if (this.#rest.length === 0 && !(await this.#more()))
        throw new Error('git cat-file ended in the middle of a blob')
      const chunk = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(chunk.length)
      left -= chunk.length
      yield chunk
    }
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next()
    if (next.done === true) return false
    this.#rest = this.#rest.length === 0 ? next.value : Buffer.concat([this.#rest, next.value])
    return true
  }
}
