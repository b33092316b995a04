import { inflateRawSync } from 'node:zlib'

export interface ZipEntry {
  readonly name: string
  /** Undefined with the reason where it cannot be read. */
  read(): Buffer
}

const END = 0x06054b50
const CENTRAL = 0x02014b50
const LOCAL = 0x04034b50
const MOST_ENTRIES = 50_000

/** The files of a zip, as its central directory says. Throws for one that is not whole. */
export function readZip(bytes: Buffer, mostBytes: number): ZipEntry[] {
  const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]))
  if (end === -1 || end + 22 > bytes.length || bytes.readUInt32LE(end) !== END) throw new Error('it has no directory')
  let count = bytes.readUInt16LE(end + 10)
  let at = bytes.readUInt32LE(end + 16)
  const zip64 = end - 20
  if (zip64 >= 0 && bytes.readUInt32LE(zip64) === 0x07064b50) {
    const place = Number(bytes.readBigUInt64LE(zip64 + 8))
    if (place + 56 > bytes.length) throw new Error('its directory is cut off')
    count = Number(bytes.readBigUInt64LE(place + 32))
    at = Number(bytes.readBigUInt64LE(place + 48))
  }
  if (count > MOST_ENTRIES) throw new Error(`it has ${count} entries`)
  const entries: ZipEntry[] = []
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== CENTRAL) throw new Error('its directory is cut off')
    const nameLength = bytes.readUInt16LE(at + 28)
    const header = bytes.subarray(at, at + 46)
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength)
    const extra = bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + bytes.readUInt16LE(at + 30))
    entries.push({ name, read: () => readEntry(bytes, header, extra, mostBytes) })
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
  }
  return entries
}

function readEntry(bytes: Buffer, header: Buffer, extra: Buffer, mostBytes: number): Buffer {
  const method = header.readUInt16LE(10)
  const [size, packed, place] = sizesOf(header, extra)
  if (size > mostBytes) throw new Error(`it has ${size} bytes, and at most ${mostBytes} are looked into`)
  if (place + 30 > bytes.length || bytes.readUInt32LE(place) !== LOCAL)
    throw new Error('its entry is not where it should be')
  const start = place + 30 + bytes.readUInt16LE(place + 26) + bytes.readUInt16LE(place + 28)
  if (start + packed > bytes.length) throw new Error('its entry is cut off')
  const body = bytes.subarray(start, start + packed)
  if (method === 0) return body
  if (method === 8) return inflateRawSync(body, { maxOutputLength: mostBytes })
  throw new Error(`it is packed by method ${method}, which cannot be read`)
}

/** Size, packed size and place; large ones stand in an extra field. */
function sizesOf(header: Buffer, extra: Buffer): [number, number, number] {
  const sizes = [header.readUInt32LE(24), header.readUInt32LE(20), header.readUInt32LE(42)]
  let at = 0
  while (at + 4 <= extra.length) {
    const length = extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === 1) {
      let field = at + 4
      for (const [i, size] of sizes.entries()) {
        if (size !== 0xffffffff || field + 8 > extra.length) continue
        sizes[i] = Number(extra.readBigUInt64LE(field))
        field += 8
      }
    }
    at += 4 + length
  }
  return [sizes[0] ?? 0, sizes[1] ?? 0, sizes[2] ?? 0]
}
