import type { Datatype, Signature } from '../../core/bundle.ts'
import type { PredictionRecord } from '../../core/route-table.ts'

/** What every row of the prediction log has, beside one column per input column of its version's signature. */
export const LOG_COLUMNS = {
  /** The prediction's id: what labels are joined by. */
  _id: 'VARCHAR',
  /** Which row of the request, from 0. */
  _row: 'INTEGER',
  /** Milliseconds since 1970, UTC. */
  _at: 'BIGINT',
  _version: 'VARCHAR',
  _arm: 'VARCHAR',
  /** The share of traffic that its arm had. */
  _weight: 'DOUBLE',
  _status: 'INTEGER',
  _latency_ms: 'DOUBLE',
  /** The predicted value as text; null for a request that failed. */
  _prediction: 'VARCHAR',
  /** The largest of the row's scores. */
  _score: 'DOUBLE',
} as const

const TABLE_TYPES: Readonly<Record<Datatype, string>> = {
  BOOL: 'BOOLEAN',
  UINT8: 'BIGINT',
  UINT16: 'BIGINT',
  UINT32: 'BIGINT',
  UINT64: 'UBIGINT',
  INT8: 'BIGINT',
  INT16: 'BIGINT',
  INT32: 'BIGINT',
  INT64: 'BIGINT',
  FP16: 'DOUBLE',
  FP32: 'DOUBLE',
  FP64: 'DOUBLE',
  BYTES: 'VARCHAR',
}

type LogRow = Record<string, unknown>

/** The columns a tensor fills: as the signature says, else the tensor's own name where it has one value a row. */
function columnsOf(signature: Signature, tensor: string): readonly string[] {
  return signature.columns[tensor] ?? [tensor]
}

/** Input columns and their types in a table, without tensors that have more values a row than names. */
export function inputColumns(signature: Signature): Map<string, string> {
  const columns = new Map<string, string>()
  for (const { name, datatype, shape } of signature.inputs) {
    const names = columnsOf(signature, name)
    const isTable = signature.columns[name] !== undefined || shape.slice(1).every((size) => size === 1)
    if (isTable) for (const column of names) columns.set(column, TABLE_TYPES[datatype])
  }
  return columns
}

/** One row per input row. A request that failed keeps its rows, with nothing predicted. */
export function expandRecord(record: PredictionRecord, signature: Signature | undefined): LogRow[] {
  const count = Math.max(1, record.rows)
  return Array.from({ length: count }, (_, row) => ({
    ...(signature === undefined ? {} : inputsOfRow(record, signature, row, count)),
    _id: record.id,
    _row: row,
    _at: record.at,
    _version: record.version,
    _arm: record.arm,
    _weight: record.weight,
    _status: record.status,
    _latency_ms: record.latencyMs,
    ...(signature === undefined ? {} : answerOfRow(record, signature, row, count)),
  }))
}

function inputsOfRow(record: PredictionRecord, signature: Signature, row: number, count: number): LogRow {
  const values: LogRow = {}
  for (const [tensor, flat] of Object.entries(record.inputs ?? {})) {
    const columns = columnsOf(signature, tensor)
    const slice = sliceOf(flat, row, count)
    // A tensor that its columns do not fill (an image, say) has no place in a table.
    if (slice.length === columns.length) columns.forEach((column, i) => (values[column] = slice[i]))
  }
  return values
}

function answerOfRow(record: PredictionRecord, signature: Signature, row: number, count: number): LogRow {
  const { prediction, scores } = signature.answer
  const predicted = sliceOf(record.outputs?.[prediction] ?? [], row, count)
  const scored = scores === undefined ? [] : sliceOf(record.outputs?.[scores] ?? [], row, count).map(Number)
  const numbers = scored.filter(Number.isFinite)
  return {
    _prediction:
      predicted.length === 0 ? null : predicted.length === 1 ? String(predicted[0]) : JSON.stringify(predicted),
    _score: numbers.length === 0 ? null : Math.max(...numbers),
  }
}

function sliceOf(flat: readonly unknown[], row: number, count: number): readonly unknown[] {
  const width = flat.length / count
  return Number.isInteger(width) ? flat.slice(row * width, (row + 1) * width) : []
}
