import type { Datatype } from '../../../core/bundle.ts'
import type { NumericData } from '../../../core/ports/runtime.ts'

export type NumericType = Exclude<Datatype, 'BYTES'>

type NumericArray = {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer): NumericData
  new (length: number): NumericData
}

export const ARRAYS: Readonly<Record<NumericType, NumericArray>> = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Float16Array,
  FP32: Float32Array,
  FP64: Float64Array,
}

const KNOWN = new Set<string>([...Object.keys(ARRAYS), 'BYTES'])

export function isDatatype(text: unknown): text is Datatype {
  return typeof text === 'string' && KNOWN.has(text)
}

/** The number of elements, or undefined for a shape that is none: not whole, negative, or past what is countable. */
export function elementCount(shape: readonly unknown[]): number | undefined {
  let count = 1
  for (const dimension of shape) {
    if (typeof dimension !== 'number' || !Number.isSafeInteger(dimension) || dimension < 0) return undefined
    count *= dimension
    if (!Number.isSafeInteger(count)) return undefined
  }
  return count
}
