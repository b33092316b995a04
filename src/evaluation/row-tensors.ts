import type { Signature, TensorSpec } from '../core/bundle.ts'
import { AppError } from '../core/errors.ts'
import type { NumericData, Tensor } from '../core/ports/runtime.ts'
import { ARRAYS, type NumericType } from '../core/tensor-arrays.ts'
import type { DuckDBConnection } from '../lib/open-analytics.ts'
import { readCells, type Cell } from './read-table.ts'

/** The first dimension where the model fixes it, else undefined: then any number of rows goes at once. */
export function fixedBatch({ inputs }: Signature): number | undefined {
  const first = inputs.map(({ shape }) => shape[0]).find((size) => size !== undefined && size > 0)
  return first
}

/**
 * The rows after `from` as the model's input tensors. Where the model takes a fixed number of rows the last
 * one is repeated; the caller drops the answers to those.
 */
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
  const rows = fixedBatch(signature) ?? stretch.count
  const tensors: Tensor[] = []
  for (const input of signature.inputs) {
    const columns = signature.columns[input.name] ?? []
    if (columns.length === 0)
      throw new AppError(
        'INVALID_INPUT',
        `nothing is known of what fills input "${input.name}": say so in model.inputs`,
      )
    const cells = await readCells(connection, columns, input.datatype, stretch)
    tensors.push(fillTensor(input, columns, cells, { ...stretch, rows }))
  }
  return tensors
}

interface Filled {
  readonly from: number
  readonly count: number
  readonly rows: number
}

function fillTensor(input: TensorSpec, columns: readonly string[], cells: readonly Cell[][], filled: Filled): Tensor {
  const { rows, count, from } = filled
  const width = columns.length
  const shape = tensorShape(input, rows, width)
  if (input.datatype === 'BYTES') {
    const data = Array.from({ length: rows * width }, (_, i) =>
      String(cells[i % width]?.[Math.min(Math.floor(i / width), count - 1)] ?? ''),
    )
    return { name: input.name, datatype: input.datatype, shape, data }
  }
  const data = allocate(input, rows * width)
  for (const [c, values] of cells.entries()) {
    for (let r = 0; r < rows; r++) {
      const source = Math.min(r, count - 1)
      data[r * width + c] = toElement(values[source] ?? null, input, columns[c] ?? '', from + source + 1)
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
