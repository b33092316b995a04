/** One member of an archive. `content` of a link is its target's text. */
export interface TarMember {
  readonly path: string
  readonly kind: 'file' | 'link'
  readonly executable: boolean
  readonly size: number
  readonly content: () => AsyncIterable<Buffer>
}

const BLOCK = 512
/** Of whole archives many tools expect a multiple of this. */
const RECORD = 20 * BLOCK

/**
 * A tar archive (pax), written as it is read. It says nothing of times and owners: the same files make the
 * same archive.
 */
export async function* tarArchive(members: AsyncIterable<TarMember> | Iterable<TarMember>): AsyncGenerator<Buffer> {
  let written = 0
  for await (const member of members) {
    for await (const chunk of entry(member)) {
      written += chunk.length
      yield chunk
    }
  }
  written += 2 * BLOCK
  yield Buffer.alloc(2 * BLOCK + ((RECORD - (written % RECORD)) % RECORD))
}

async function* entry(member: TarMember): AsyncGenerator<Buffer> {
  if (member.kind === 'link') return yield* linkEntry(member)
  yield* longNames({ path: member.path, size: member.size })
  yield header({ name: member.path, size: member.size, type: '0', mode: member.executable ? 0o755 : 0o644 })
  let size = 0
  for await (const chunk of member.content()) {
    size += chunk.length
    yield chunk
  }
  if (size !== member.size) throw new Error(`${member.path} has ${size} bytes, not ${member.size}`)
  yield padding(size)
}

async function* linkEntry({ path, content }: TarMember): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of content()) chunks.push(chunk)
  const target = Buffer.concat(chunks).toString()
  yield* longNames({ path, linkpath: target, size: 0 })
  yield header({ name: path, size: 0, type: '2', mode: 0o777, target })
}

const MOST_NAME_BYTES = 100
/** Eleven octal digits. */
const MOST_SIZE = 8 ** 11 - 1

/** What does not fit into a header goes before it, as pax has it. */
function* longNames({ path, linkpath, size }: { path: string; linkpath?: string; size: number }): Generator<Buffer> {
  const records = [
    ...(Buffer.byteLength(path) > MOST_NAME_BYTES ? [paxRecord('path', path)] : []),
    ...(linkpath !== undefined && Buffer.byteLength(linkpath) > MOST_NAME_BYTES
      ? [paxRecord('linkpath', linkpath)]
      : []),
    ...(size > MOST_SIZE ? [paxRecord('size', String(size))] : []),
  ]
  if (records.length === 0) return
  const body = Buffer.from(records.join(''))
  yield header({ name: 'pax_header', size: body.length, type: 'x', mode: 0o644 })
  yield body
  yield padding(body.length)
}

/** `<length> key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  if (String(length).length > String(rest).length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

interface Header {
  readonly name: string
  readonly size: number
  readonly type: string
  readonly mode: number
  readonly target?: string
}

function header({ name, size, type, mode, target = '' }: Header): Buffer {
  const block = Buffer.alloc(BLOCK)
  const put = (text: string, at: number, bytes: number) => Buffer.from(text).copy(block, at, 0, bytes)
  const octal = (value: number, at: number, digits: number) => put(value.toString(8).padStart(digits, '0'), at, digits)
  put(name, 0, MOST_NAME_BYTES)
  octal(mode, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(Math.min(size, MOST_SIZE), 124, 11)
  octal(0, 136, 11)
  put('        ', 148, 8)
  put(type, 156, 1)
  put(target, 157, MOST_NAME_BYTES)
  put('ustar\u000000', 257, 8)
  const sum = block.reduce((total, byte) => total + byte, 0)
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8)
  return block
}

function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)
}
