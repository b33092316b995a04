import type { Datatype } from '../../core/bundle.ts'
import type { Tensor } from '../../core/ports/runtime.ts'
import { fromBytes, toBytes } from '../../drivers/runtime/tensors/binary.ts'
import { elementCount } from '../../drivers/runtime/tensors/datatypes.ts'

/**
 * What a model host and its parent say to each other over their socket pair:
 *
 *     u32 length of the rest · u32 id · u8 kind · u32 length of the header · header (JSON) · payload
 *
 * all little-endian. Tensors travel as their bytes, so neither side pays for JSON numbers or for HTTP.
 */
export interface Frame {
  readonly id: number
  readonly kind: FrameKind
  readonly header: unknown
  readonly payload: Buffer
}

export const FRAME = { load: 1, predict: 2, loaded: 3, refused: 4, answer: 5, failed: 6 } as const
export type FrameKind = (typeof FRAME)[keyof typeof FRAME]

const PREFIX = 13

export function encodeFrame(id: number, kind: FrameKind, header: unknown, payload: readonly Buffer[] = []): Buffer {
  const text = Buffer.from(JSON.stringify(header))
  const payloadBytes = payload.reduce((sum, part) => sum + part.length, 0)
  const frame = Buffer.allocUnsafe(PREFIX + text.length + payloadBytes)
  frame.writeUInt32LE(frame.length - 4, 0)
  frame.writeUInt32LE(id, 4)
  frame.writeUInt8(kind, 8)
  frame.writeUInt32LE(text.length, 9)
  let at = PREFIX + text.copy(frame, PREFIX)
  for (const part of payload) at += part.copy(frame, at)
  return frame
}

/** Calls `onFrame` for each whole frame of a stream that comes in arbitrary pieces. */
export function createFrameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = []
  let have = 0
  let need = 4
  return (chunk) => {
    parts.push(chunk)
    have += chunk.length
    if (have < need) return
    let rest = parts.length === 1 ? chunk : Buffer.concat(parts)
    while (rest.length >= 4) {
      const end = 4 + rest.readUInt32LE(0)
      if (rest.length < end) break
      onFrame(decode(rest.subarray(4, end)))
      rest = rest.subarray(end)
    }
    parts = rest.length > 0 ? [rest] : []
    have = rest.length
    need = have >= 4 ? 4 + rest.readUInt32LE(0) : 4
  }
}

function decode(bytes: Buffer): Frame {
  const headerEnd = 9 + bytes.readUInt32LE(5)
  return {
    id: bytes.readUInt32LE(0),
    kind: bytes.readUInt8(4) as FrameKind,
    header: JSON.parse(bytes.toString('utf8', 9, headerEnd)),
    payload: bytes.subarray(headerEnd),
  }
}

type TensorHeader = readonly [name: string, datatype: Datatype, shape: readonly number[], byteLength: number]

export function encodeTensors(id: number, kind: FrameKind, tensors: readonly Tensor[]): Buffer {
  const payload = tensors.map(toBytes)
  const header = tensors.map((tensor, i): TensorHeader => [
    tensor.name,
    tensor.datatype,
    tensor.shape,
    payload[i]?.length ?? 0,
  ])
  return encodeFrame(id, kind, header, payload)
}

export function decodeTensors(frame: Frame): Tensor[] {
  let at = 0
  return (frame.header as readonly TensorHeader[]).map(([name, datatype, shape, byteLength]) => {
    const bytes = frame.payload.subarray(at, at + byteLength)
    at += byteLength
    return { name, datatype, shape, data: fromBytes(name, datatype, elementCount(shape) ?? 0, bytes) }
  })
}
