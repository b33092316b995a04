import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import type { EvaluationPlace } from './evaluation-place.ts'
import type { RowOutcomes } from './evaluation-result.ts'
import { openTable, readNumbers, readText, requireColumn } from './read-table.ts'

/** The rows whose truth is known; the connection's table `held_out` has their columns. */
export interface HeldOutTable {
  readonly columns: readonly string[]
  readonly rows: number
  /** As text; for regression also numbers. */
  readonly labels: readonly string[]
  readonly numbers?: readonly number[]
}
export async function readTable({ input, context, connection }: EvaluationPlace): Promise<HeldOutTable> {
  const { source, label, id, task } = input.evaluation
  const columns = await openTable(connection, join(context.workspace, source.path), source.path)
  requireColumn(columns, label, source.path, 'evaluation.label')
  if (id !== undefined) requireColumn(columns, id, source.path, 'evaluation.id')
  for (const slice of input.slices) requireColumn(columns, slice, source.path, 'evaluation.slices')
  const labels = complete(await readText(connection, label), label, source.path)
  const table = { columns, rows: labels.length, labels }
  if (task === 'classification') return table
  return { ...table, numbers: complete(await readNumbers(connection, label), label, source.path) }
}

export function complete<T>(values: readonly (T | null)[], column: string, file: string): T[] {
  const missing = values.flatMap((value, row) => (value === null ? [row + 1] : []))
  if (missing.length === 0) return values as T[]
  throw new AppError(
    'INVALID_INPUT',
    `${file}: ${missing.length} of ${values.length} rows have no usable value in "${column}", the first is row ${missing[0]}. Leave such rows out.`,
  )
}
const MOST_SLICE_VALUES = 50

export async function readSlices({ input, connection }: EvaluationPlace): Promise<RowOutcomes['slices']> {
  const slices: RowOutcomes['slices'][number][] = []
  for (const column of new Set(input.slices)) {
    const values = (await readText(connection, column)).map((value) => value ?? '(none)')
    const frequent = mostFrequent(values)
    const places = new Map(frequent.map((value, place) => [value, place]))
    slices.push({ column, values: frequent, of: values.map((value) => places.get(value) ?? -1) })
  }
  return slices
}

function mostFrequent(values: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const sorted = [...counts].toSorted(([a, m], [b, n]) => n - m || Number(a > b) - Number(a < b))
  return sorted
    .slice(0, MOST_SLICE_VALUES)
    .map(([value]) => value)
    .toSorted()
}
