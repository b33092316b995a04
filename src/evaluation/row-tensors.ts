import type { Signature, TensorSpec } from '../core/bundle.ts'
import { AppError } from '../core/errors.ts'
import type { NumericData, Tensor, TensorData } from '../core/ports/runtime.ts'
import { ARRAYS, type NumericType } from '../core/tensor-arrays.ts'
import type { DuckDBConnection } from '../lib/open-analytics.ts'
import { readCells, type Cell } from './read-table.ts'

/** The first dimension where the model fixes it, else undefined: then any number of rows goes at once. */
export function fixedBatch({ inputs }: Signature): number | undefined {
  const first = inputs.map(({ shape }) => shape[0]).find((size) => size !== undefined && size > 0)
  return first
}

const MOST_ROWS_AT_ONCE = 512
/** Of one request's numbers: an image of 3 × 224 × 224 is 600 kB. */
const MOST_BYTES_AT_ONCE = 16 << 20

/** How many rows are read, and sent to a model that takes any number of them, at once. */
export function rowsAtOnce(signature: Signature): number {
  const width = signature.inputs.reduce((sum, { name }) => sum + (signature.columns[name]?.length ?? 1), 0)
  return Math.min(MOST_ROWS_AT_ONCE, Math.max(1, Math.floor(MOST_BYTES_AT_ONCE / (8 * width))))
}

/** `size` rows from `start` on; where there are fewer the last one is repeated, and the caller drops the answers to those. */
export function cutRows(tensors: readonly Tensor[], start: number, size: number): Tensor[] {
  return tensors.map((tensor) => {
    const rows = tensor.shape[0] ?? 1
    if (start === 0 && size === rows) return tensor
    const width = tensor.data.length / rows
    const shape = tensor.shape.length === 0 ? tensor.shape : [size, ...tensor.shape.slice(1)]
    const places = Array.from({ length: size }, (_, i) => Math.min(start + i, rows - 1) * width)
    return { ...tensor, shape, data: pick(tensor.data, places, width) }
  })
}

function pick(data: TensorData, places: readonly number[], width: number): TensorData {
  if (Array.isArray(data)) return places.flatMap((place) => (data as string[]).slice(place, place + width))
  const source = data as Float64Array<ArrayBuffer>
  const picked = new (source.constructor as Float64ArrayConstructor)(places.length * width)
  for (const [i, place] of places.entries()) picked.set(source.subarray(place, place + width), i * width)
  return picked
}

/** The rows after `from` as the model's input tensors. */
export async function readTensors(
  connection: DuckDBConnection,
  signature: Signature,
  stretch: { readonly from: number; readonly count: number },
): Promise<Tensor[]> {
  if (signature.inputs.length === 0) {
    throw new AppError(
      'INVALID_INPUT',
      'the bundle does not say what its model takes: name model.reference or model.inputs',
    )
  }
  const wanted = signature.inputs.map(({ name, datatype }) => {
    const columns = signature.columns[name] ?? []
    if (columns.length === 0)
      throw new AppError('INVALID_INPUT', `nothing is known of what fills input "${name}": say so in model.inputs`)
    return { columns, datatype }
  })
  const cells = await readCells(connection, wanted, stretch)
  return signature.inputs.map((input, i) => fillTensor(input, wanted[i]!.columns, cells[i]!, stretch))
}

interface Filled {
  readonly from: number
  readonly count: number
}

function fillTensor(input: TensorSpec, columns: readonly string[], cells: readonly Cell[][], filled: Filled): Tensor {
  const { count: rows, from } = filled
  const width = columns.length
  const shape = tensorShape(input, rows, width)
  if (input.datatype === 'BYTES') {
    const data = Array.from({ length: rows * width }, (_, i) => String(cells[i % width]?.[Math.floor(i / width)] ?? ''))
    return { name: input.name, datatype: input.datatype, shape, data }
  }
  const data = allocate(input, rows * width)
  for (const [c, values] of cells.entries()) {
    for (let r = 0; r < rows; r++) {
      data[r * width + c] = toElement(values[r] ?? null, input, columns[c] ?? '', from + r + 1)
    }
  }
  return { name: input.name, datatype: input.datatype, shape, data }
}

/** `[-1, 8, 8]` for 10 rows is `[10, 8, 8]`; one further free dimension takes all columns; one value alone may be a scalar. */
function tensorShape({ shape }: TensorSpec, rows: number, width: number): number[] {
  if (shape.length === 0) return rows * width === 1 ? [] : [rows, width]
  const rest = shape.slice(1)
  const known = rest.filter((size) => size > 0).reduce((product, size) => product * size, 1)
  return [rows, ...rest.map((size) => (size > 0 ? size : width / known))]
}

/** A missing number is NaN where there is such a number; a model that takes whole ones cannot be asked. */
function toElement(value: Cell, { datatype, name }: TensorSpec, column: string, row: number): number | bigint {
  const isFloat = datatype === 'FP16' || datatype === 'FP32' || datatype === 'FP64'
  if (value === null) {
    if (isFloat) return Number.NaN
    throw new AppError(
      'INVALID_INPUT',
      `row ${row} has no value in column "${column}", and input "${name}" (${datatype}) has to have one`,
    )
  }
  if (datatype === 'INT64' || datatype === 'UINT64') return BigInt(value)
  return Number(value)
}

type WritableData = { [index: number]: number | bigint } & NumericData

function allocate({ datatype }: TensorSpec, size: number): WritableData {
  return new ARRAYS[datatype as NumericType](size)
}
