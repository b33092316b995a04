import type { Datatype } from './bundle.ts'
import type { NumericData } from './ports/runtime.ts'

export type NumericType = Exclude<Datatype, 'BYTES'>

type NumericArray = {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer): NumericData
  new (length: number): NumericData
}

/** The typed array that holds a tensor's elements in memory, and in a binary body. */
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
