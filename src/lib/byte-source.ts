/** Lines and counted bytes out of a stream of chunks. */
export class ByteSource {
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
        throw new Error('the stream ended in the middle of a content')
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
