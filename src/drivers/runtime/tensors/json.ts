import { AppError } from '../../../core/errors.ts'
import type { Datatype } from '../../../core/bundle.ts'
import type { NumericData, Tensor, TensorData } from '../../../core/ports/runtime.ts'
import { ARRAYS, type NumericType } from '../../../core/tensor-arrays.ts'

/** The range of the integer types that JSON numbers can carry whole. */
const RANGES: Partial<Record<Datatype, readonly [number, number]>> = {
  UINT8: [0, 255],
  UINT16: [0, 65_535],
  UINT32: [0, 4_294_967_295],
  UINT64: [0, Number.MAX_SAFE_INTEGER],
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  INT32: [-2_147_483_648, 2_147_483_647],
  INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
}

/** Deeper nesting is no tensor, and would only be an attack on the stack. */
const MAX_RANK = 32

/** A tensor's `data` member, nested or flat, as elements. Fails with INVALID_INPUT. */
export function fromJson(name: string, datatype: Datatype, count: number, data: unknown): TensorData {
  if (!Array.isArray(data)) throw new AppError('INVALID_INPUT', `"${name}" has no data array`)
  const flat = Array.isArray(data[0]) ? data.flat(MAX_RANK) : data
  if (flat.length !== count) {
    throw new AppError('INVALID_INPUT', `"${name}" has ${flat.length} elements, but its shape needs ${count}`)
  }
  return datatype === 'BYTES' ? readStrings(name, flat) : readNumbers(name, datatype, flat)
}

function readStrings(name: string, flat: readonly unknown[]): string[] {
  for (const value of flat) if (typeof value !== 'string') throw wrong(name, 'BYTES', value)
  return flat as string[]
}

function readNumbers(name: string, datatype: NumericType, flat: readonly unknown[]): NumericData {
  const target = new ARRAYS[datatype](flat.length)
  if (datatype === 'BOOL') fillBooleans(name, target, flat)
  else if (datatype === 'FP16' || datatype === 'FP32' || datatype === 'FP64') fillFloats(name, datatype, target, flat)
  else fillIntegers(name, datatype, target, flat)
  return target
}

function fillBooleans(name: string, target: NumericData, flat: readonly unknown[]): void {
  for (let i = 0; i < flat.length; i++) {
    const value = flat[i]
    if (typeof value !== 'boolean' && value !== 0 && value !== 1) throw wrong(name, 'BOOL', value)
    target[i] = value ? 1 : 0
  }
}

function fillFloats(name: string, datatype: Datatype, target: NumericData, flat: readonly unknown[]): void {
  for (let i = 0; i < flat.length; i++) {
    const value = flat[i]
    if (typeof value !== 'number') throw wrong(name, datatype, value)
    target[i] = value
  }
}

/**
 * `JSON.parse` has rounded integers past 2^53 before we see them (9007199254740993 arrives as …992), so
 * those are refused rather than silently changed.
 */
function fillIntegers(name: string, datatype: Datatype, target: NumericData, flat: readonly unknown[]): void {
  const [low, high] = RANGES[datatype] ?? [0, 0]
  const big = datatype === 'INT64' || datatype === 'UINT64'
  for (let i = 0; i < flat.length; i++) {
    const value = flat[i]
    if (typeof value !== 'number') throw wrong(name, datatype, value)
    if (big && !Number.isSafeInteger(value)) {
      throw new AppError(
        'INVALID_INPUT',
        `"${name}" has ${value}, which JSON cannot carry as ${datatype}: send it as binary tensor data`,
      )
    }
    if (!Number.isInteger(value) || value < low || value > high) throw wrong(name, datatype, value)
    target[i] = big ? BigInt(value) : value
  }
}

function wrong(name: string, datatype: Datatype, value: unknown): AppError {
  const shown =
    typeof value === 'object' && value !== null ? 'a nested value' : (JSON.stringify(value)?.slice(0, 40) ?? 'nothing')
  return new AppError('INVALID_INPUT', `"${name}" has ${shown}, which is not a value of ${datatype}`)
}

/**
 * A tensor's `data` member as JSON text. INT64 keeps all its digits. Fails with UPSTREAM where a value is
 * NaN or infinite: JSON has no such numbers, and `null` would be a lie.
 */
export function toJson(tensor: Tensor): string {
  switch (tensor.datatype) {
    case 'BYTES':
      return JSON.stringify(tensor.data)
    case 'BOOL':
      return `[${Array.from(tensor.data as Uint8Array, (value) => (value === 0 ? 'false' : 'true')).join(',')}]`
    case 'FP16':
    case 'FP32':
    case 'FP64':
      return floatsToJson(tensor.name, tensor.data as Float64Array)
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
    case 'UINT64':
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'INT64':
      return `[${(tensor.data as NumericData).join(',')}]`
  }
}

function floatsToJson(name: string, data: Float64Array): string {
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) {
      throw new AppError(
        'UPSTREAM',
        `output "${name}" of the model is ${data[i]} at ${i}: ask for it as binary data, or mend the model`,
        {
          reason: 'model',
        },
      )
    }
  }
  return `[${data.join(',')}]`
}

/** Elements as JSON values, for records that people and tables read: what JSON cannot say becomes text. */
export function toPlainValues(tensor: Tensor): unknown[] {
  switch (tensor.datatype) {
    case 'BOOL':
      return Array.from(tensor.data as Uint8Array, (value) => value !== 0)
    case 'INT64':
    case 'UINT64':
      return Array.from(tensor.data as BigInt64Array, (value) => {
        const number = Number(value)
        return Number.isSafeInteger(number) ? number : String(value)
      })
    case 'FP16':
    case 'FP32':
    case 'FP64':
      return Array.from(tensor.data as Float64Array, (value) => (Number.isFinite(value) ? value : String(value)))
    case 'BYTES':
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return Array.from(tensor.data as ArrayLike<unknown>)
  }
}
