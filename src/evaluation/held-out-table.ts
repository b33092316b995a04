import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { sliceColumns } from '../pipeline/slice-name.ts'
import { codeTexts, type Coded } from './coded-column.ts'
import type { EvaluationPlace } from './evaluation-place.ts'
import type { RowOutcomes } from './evaluation-result.ts'
import { readCodes, readNumbers, readUnits } from './read-columns.ts'
import { openTable, requireColumn } from './read-table.ts'

/** The rows whose truth is known; the connection's table `held_out` has their columns. */
export interface HeldOutTable {
  readonly columns: readonly string[]
  readonly rows: number
  readonly truth:
    | { readonly kind: 'classes'; readonly labels: Coded }
    | { readonly kind: 'numbers'; readonly numbers: Float64Array }
}

export async function readTable({ input, context, connection }: EvaluationPlace): Promise<HeldOutTable> {
  const { source, label, id, unit, weight, task, metrics = {} } = input.evaluation
  const file = join(context.workspace, source.path)
  const { columns, rows } = await openTable(connection, file, source.path, source.kind === 'predictions')
  const needed = {
    'evaluation.label': [label],
    'evaluation.id': [id],
    'evaluation.unit': [unit],
    'evaluation.weight': [weight],
    'evaluation.slices': input.slices.flatMap((slice) => sliceColumns(slice, columns)),
    'evaluation.metrics': Object.values(metrics).map(({ column }) => column),
  }
  for (const [key, names] of Object.entries(needed)) {
    for (const name of names) if (name !== undefined) requireColumn(columns, name, source.path, key)
  }
  if (task === 'classification') {
    return { columns, rows, truth: { kind: 'classes', labels: await readCodes(connection, label, source.path, rows) } }
  }
  return { columns, rows, truth: { kind: 'numbers', numbers: await readNumbers(connection, label, source.path, rows) } }
}

/** Columns that are about a row and no feature of it. */
export function notFeatures({ input }: { readonly input: Pick<EvaluationPlace['input'], 'evaluation'> }): string[] {
  const { label, id, unit, weight, slices } = input.evaluation
  return [label, id, unit, weight, ...slices].filter((column) => column !== undefined)
}

/** What each row counts, and what belongs together. */
export async function readExtras(
  { input, connection }: EvaluationPlace,
  { rows }: HeldOutTable,
): Promise<Pick<RowOutcomes, 'weights' | 'units'>> {
  const { unit, weight, source } = input.evaluation
  return {
    ...(weight === undefined ? {} : { weights: await readWeights(connection, weight, source.path, rows) }),
    ...(unit === undefined ? {} : { units: await readUnits(connection, unit, source.path, rows) }),
  }
}

async function readWeights(
  connection: EvaluationPlace['connection'],
  column: string,
  file: string,
  rows: number,
): Promise<Float64Array> {
  const weights = await readNumbers(connection, column, file, rows)
  const wrong = weights.findIndex((weight) => weight < 0 || !Number.isFinite(weight))
  if (wrong === -1) return weights
  const message = `${file}: the weight of row ${wrong + 1} ("${column}") is ${weights[wrong]}. A weight is 0 or more.`
  throw new AppError('INVALID_INPUT', message)
}

const MOST_SLICE_VALUES = 50

export async function readSlices(
  { input, connection }: EvaluationPlace,
  table: HeldOutTable,
): Promise<RowOutcomes['slices']> {
  const slices: RowOutcomes['slices'][number][] = []
  const coded = new Map<string, Coded>()
  for (const slice of new Set(input.slices)) {
    const columns = sliceColumns(slice, table.columns)
    for (const column of columns) {
      if (coded.has(column)) continue
      coded.set(column, await readCodes(connection, column, input.evaluation.source.path, table.rows, '(none)'))
    }
    slices.push({ column: slice, ...mostFrequent(combined(columns.map((column) => coded.get(column)!))) })
  }
  return slices
}

/** Two columns as one: the values of both, with a plus between. */
function combined([first, second]: readonly Coded[]): Coded {
  if (first === undefined) return codeTexts([])
  if (second === undefined) return first
  const of = new Uint32Array(first.of.length)
  const places = new Map<number, number>()
  const values: string[] = []
  for (let i = 0; i < of.length; i++) {
    const code = first.of[i]! * second.values.length + second.of[i]!
    let place = places.get(code)
    if (place === undefined) {
      place = values.length
      places.set(code, place)
      values.push(`${first.values[first.of[i]!]}+${second.values[second.of[i]!]}`)
    }
    of[i] = place
  }
  return { values, of }
}

/** The fifty values that most rows have; of other rows the place is the number of values. */
function mostFrequent({ values, of }: Coded): { values: readonly string[]; of: Uint8Array } {
  const counts = new Float64Array(values.length)
  for (let i = 0; i < of.length; i++) counts[of[i]!]!++
  const frequent = [...values.keys()]
    .toSorted((a, b) => counts[b]! - counts[a]! || byName(values[a]!, values[b]!))
    .slice(0, MOST_SLICE_VALUES)
    .toSorted((a, b) => byName(values[a]!, values[b]!))
  const places = new Uint8Array(values.length).fill(frequent.length)
  for (const [place, value] of frequent.entries()) places[value] = place
  const moved = new Uint8Array(of.length)
  for (let i = 0; i < moved.length; i++) moved[i] = places[of[i]!]!
  return { values: frequent.map((value) => values[value]!), of: moved }
}

function byName(a: string, b: string): number {
  return Number(a > b) - Number(a < b)
}
