export interface TarEntry {
  readonly name: string
  readonly content: Buffer
}

const BLOCK = 512
const MOST_ENTRIES = 50_000

/** By the sum of its first header, which tars of every age have. */
export function isTar(bytes: Buffer): boolean {
  return bytes.length >= BLOCK && hasItsSum(bytes.subarray(0, BLOCK))
}

/** The files of a tar. Throws for one that is not whole, or that stores files in pieces. */
export function readTar(bytes: Buffer): TarEntry[] {
  const entries: TarEntry[] = []
  for (let at = 0; at < bytes.length;) {
    const header = bytes.subarray(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) {
      at += BLOCK
      continue
    }
    if (header.length < BLOCK || !hasItsSum(header)) throw new Error(`there is no header at byte ${at}`)
    if (entries.length === MOST_ENTRIES) throw new Error(`it has more than ${MOST_ENTRIES} entries`)
    if (String.fromCharCode(header[156] ?? 0) === 'S') throw new Error('it stores a file in pieces')
    const size = sizeOf(header)
    const start = at + BLOCK
    if (start + size > bytes.length) throw new Error('it is cut off')
    entries.push({ name: text(header, 0, 100), content: bytes.subarray(start, start + size) })
    at = start + Math.ceil(size / BLOCK) * BLOCK
  }
  return entries
}

/** All bytes of the header, those of the sum itself taken for spaces. */
function hasItsSum(header: Buffer): boolean {
  const told = /^[ 0]*([0-7]+)[ \0]*$/.exec(header.toString('latin1', 148, 156))?.[1]
  if (told === undefined) return false
  let sum = 8 * 0x20
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i]!
  return sum === Number.parseInt(told, 8)
}

/** Octal digits, or where they do not suffice a number of 95 bits. */
function sizeOf(header: Buffer): number {
  const isBinary = (header[124]! & 0x80) !== 0
  const size = isBinary ? Number(header.readBigUInt64BE(128)) : Number.parseInt(text(header, 124, 12).trim() || '0', 8)
  if (!Number.isSafeInteger(size) || size < 0) throw new Error('the size of a file in it is no number')
  return size
}

function text(header: Buffer, start: number, length: number): string {
  const end = header.indexOf(0, start)
  return header.toString('latin1', start, end === -1 || end > start + length ? start + length : end)
}
