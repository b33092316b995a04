import { AppError } from '../../../core/errors.ts'
import type { Datatype } from '../../../core/bundle.ts'
import type { NumericData, Tensor, TensorData } from '../../../core/ports/runtime.ts'
import { ARRAYS } from '../../../core/tensor-arrays.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A tensor's bytes as the binary tensor extension has them: little-endian, BYTES as uint32 length and bytes each. */
export function toBytes(tensor: Tensor): Buffer {
  if (tensor.datatype !== 'BYTES') {
    const { buffer, byteOffset, byteLength } = tensor.data as NumericData
    return Buffer.from(buffer, byteOffset, byteLength)
  }
  const parts: Buffer[] = []
  for (const text of tensor.data as readonly string[]) {
    const bytes = Buffer.from(text)
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32LE(bytes.length)
    parts.push(length, bytes)
  }
  return Buffer.concat(parts)
}

/** The other way round. The bytes are copied: slices of a body are not aligned. Fails with INVALID_INPUT. */
export function fromBytes(name: string, datatype: Datatype, count: number, bytes: Buffer): TensorData {
  if (datatype === 'BYTES') return readStrings(name, count, bytes)
  const size = ARRAYS[datatype].BYTES_PER_ELEMENT
  if (bytes.length !== count * size) {
    throw new AppError('INVALID_INPUT', `"${name}" has ${bytes.length} bytes, but its shape needs ${count * size}`)
  }
  const copy = new ArrayBuffer(bytes.length)
  const target = new Uint8Array(copy)
  target.set(bytes)
  if (datatype === 'BOOL') for (let i = 0; i < target.length; i++) target[i] = target[i] === 0 ? 0 : 1
  return new ARRAYS[datatype](copy)
}

function readStrings(name: string, count: number, bytes: Buffer): string[] {
  const broken = (): AppError => new AppError('INVALID_INPUT', `"${name}" does not hold ${count} strings of BYTES`)
  // Each element has a length of four bytes: this bounds what a lying shape can make us allocate.
  if (count * 4 > bytes.length) throw broken()
  const strings: string[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) throw broken()
    const end = at + 4 + bytes.readUInt32LE(at)
    if (end > bytes.length) throw broken()
    strings.push(decode(name, bytes.subarray(at + 4, end)))
    at = end
  }
  if (at !== bytes.length) throw broken()
  return strings
}

function decode(name: string, bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new AppError('INVALID_INPUT', `"${name}" holds bytes that are not UTF-8 text`, {}, { cause })
  }
}
