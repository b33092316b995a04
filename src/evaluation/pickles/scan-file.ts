import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { ARRAY_MAGIC, readNpyArray } from './npy-array.ts'
import { scanPickle, type PickledName, type PickleScan } from './pickle-machine.ts'
import { isTar, readTar } from './read-tar.ts'
import { readZip } from './read-zip.ts'

/** A pickle that was found in a file, and all it names. */
export interface FoundPickle {
  /** `model.pkl`, or `model.pt: archive/data.pkl`. */
  readonly place: string
  readonly names: readonly PickledName[]
  readonly oddities: readonly PickledName[]
  /** Why it is not known what else it does. */
  readonly trouble?: string
}

/** Of one file, unpacked. */
export const MOST_PICKLE_BYTES = 1 << 30
const MOST_DEPTH = 4
const PICKLE_NAME = /\.(pkl|pickle|p|joblib|jbl|sav|pt|pth|bin|ckpt|dill|cloudpickle)$/i

/**
 * All pickles in a file: plain, several in a row, packed as joblib packs them, in a zip as PyTorch and NumPy
 * write them, in a tar, arrays of objects, and what stands behind arrays. By content; a name that usually means a pickle only makes it stricter:
 * then what cannot be followed is said.
 */
export function scanFile(bytes: Buffer, place: string, depth = 0): FoundPickle[] {
  if (depth > MOST_DEPTH) return [blind(place, 'it is packed in too many layers')]
  const packed = unpackerOf(bytes)
  if (packed !== undefined) return scanPacked(bytes, packed, place, depth)
  if (startsWith(bytes, 'PK\x03\x04') || startsWith(bytes, 'PK\x05\x06')) return scanZip(bytes, place, depth)
  if (isTar(bytes)) return scanTar(bytes, place, depth)
  if (startsWith(bytes, ARRAY_MAGIC)) return scanArrays(bytes, place, depth)
  return scanStream(bytes, place)
}

type Unpacker = { readonly name: string; readonly unpack?: (bytes: Buffer) => Buffer }

function unpackerOf(bytes: Buffer): Unpacker | undefined {
  const options = { maxOutputLength: MOST_PICKLE_BYTES }
  if (startsWith(bytes, '\x1f\x8b')) return { name: 'gzip', unpack: (packed) => gunzipSync(packed, options) }
  if (
    bytes.length > 2 &&
    bytes[0] === 0x78 &&
    [0x01, 0x5e, 0x9c, 0xda].includes(bytes[1] ?? 0) &&
    bytes.readUInt16BE(0) % 31 === 0
  )
    return { name: 'zlib', unpack: (packed) => inflateSync(packed, options) }
  if (startsWith(bytes, '\x28\xb5\x2f\xfd'))
    return { name: 'zstd', unpack: (packed) => zstdDecompressSync(packed, options) }
  const others = {
    bzip2: 'BZh',
    xz: '\xfd7zXZ\0',
    lzma: '\x5d\0\0',
    lz4: '\x04\x22\x4d\x18',
    'an old joblib format': 'ZF0x',
  }
  const known = Object.entries(others).find(([, magic]) => startsWith(bytes, magic))
  return known === undefined ? undefined : { name: known[0] }
}

function scanPacked(bytes: Buffer, { name, unpack }: Unpacker, place: string, depth: number): FoundPickle[] {
  if (unpack === undefined)
    return [blind(place, `it is packed with ${name}, which cannot be looked into: use zlib or gzip`)]
  let inner: Buffer
  try {
    inner = unpack(bytes)
  } catch (error) {
    return [blind(place, `it looks packed with ${name}, but cannot be unpacked: ${(error as Error).message}`)]
  }
  return scanFile(inner, place, depth + 1)
}

function scanZip(bytes: Buffer, place: string, depth: number): FoundPickle[] {
  try {
    return readZip(bytes, MOST_PICKLE_BYTES).flatMap((entry) => {
      if (entry.name.endsWith('/')) return []
      const own = `${place}: ${entry.name}`
      try {
        return scanFile(entry.read(), own, depth + 1)
      } catch (error) {
        return [blind(own, (error as Error).message)]
      }
    })
  } catch (error) {
    return [blind(place, `it is a zip that cannot be read: ${(error as Error).message}`)]
  }
}

function scanTar(bytes: Buffer, place: string, depth: number): FoundPickle[] {
  try {
    return readTar(bytes).flatMap(({ name, content }) => scanFile(content, `${place}: ${name}`, depth + 1))
  } catch (error) {
    return [blind(place, `it is a tar that cannot be read: ${(error as Error).message}`)]
  }
}

/**
 * Several may stand in one file, as `numpy.save` writes them one after another, and behind the last whatever a
 * program reads next: NumPy stops where the numbers do, and says nothing of what follows.
 */
function scanArrays(bytes: Buffer, place: string, depth: number): FoundPickle[] {
  let at = 0
  while (startsWith(bytes.subarray(at), ARRAY_MAGIC)) {
    const array = readNpyArray(bytes, at)
    if (array.kind === 'cut-off') return [blind(place, 'it is an array that is cut off')]
    if (array.kind === 'objects') return [told(place, scanPickle(bytes, array.start))]
    if (array.end === undefined) return [blind(place, 'it is an array that does not say how large it is')]
    at = firstByte(bytes, array.end)
  }
  return at === bytes.length ? [] : scanRest(bytes.subarray(at), place, depth)
}

/** Padding is nothing, and no pickle begins with it. */
function firstByte(bytes: Buffer, from: number): number {
  let at = from
  while (bytes[at] === 0) at++
  return at
}

function scanRest(rest: Buffer, place: string, depth: number): FoundPickle[] {
  const own = `${place}: after its array`
  const found = scanFile(rest, own, depth + 1)
  return found.length > 0 ? found : [blind(own, `${rest.length} bytes are neither an array nor a pickle`)]
}

function scanStream(bytes: Buffer, place: string): FoundPickle[] {
  const found: FoundPickle[] = []
  let at = 0
  while (at < bytes.length) {
    const isMarked = isProtocol(bytes, at)
    // After the first, only what begins as a pickle is one: PyTorch's old format ends in raw numbers.
    if (at > 0 && !isMarked) break
    const scan = scanPickle(bytes, at, { joblib: true })
    const isSure = at === 0 && (isMarked || PICKLE_NAME.test(place))
    const isLikely = scan.acts || scan.isTooLong || (isMarked && scan.end !== undefined)
    if (isSure || isLikely) found.push(told(place, scan))
    if (scan.end === undefined) break
    at = scan.end
  }
  return found
}

/** Where nothing but a complete pickle or a call makes it one, text that happens to be opcodes is none. */
function told(place: string, { names, oddities, trouble }: PickleScan): FoundPickle {
  return { place, names, oddities, ...(trouble === undefined ? {} : { trouble }) }
}

function blind(place: string, trouble: string): FoundPickle {
  return { place, names: [], oddities: [], trouble }
}

function isProtocol(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x80 && (bytes[at + 1] ?? 99) <= 5
}

function startsWith(bytes: Buffer, magic: string): boolean {
  return bytes.toString('latin1', 0, magic.length) === magic
}
