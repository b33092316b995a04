import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { sliceColumns } from '../pipeline/slice-name.ts'
import { codeTexts, type Coded } from './coded-column.ts'
import type { EvaluationPlace } from './evaluation-place.ts'
import type { RowOutcomes } from './evaluation-result.ts'
import { readCodes, readNumbers, readUnits } from './read-columns.ts'
import { joinAnswers } from './join-answers.ts'
import { openTable, requireColumn, type OpenedTable } from './read-table.ts'
import type { EvaluationSpec } from '../pipeline/pipeline.ts'

/** The rows whose truth is known; the connection's table `held_out` has their columns. */
export interface HeldOutTable {
  readonly columns: readonly string[]
  readonly rows: number
  readonly truth:
    | { readonly kind: 'classes'; readonly labels: Coded }
    | { readonly kind: 'numbers'; readonly numbers: Float64Array }
}

export async function readTable(place: EvaluationPlace, notes: string[]): Promise<HeldOutTable> {
  const { input, connection } = place
  const { label, id, unit, weight, task, metrics = {} } = input.evaluation
  const path = truthPath(input.evaluation)
  const { columns, rows } = await openRows(place, notes)
  const needed = {
    'evaluation.label': [label],
    'evaluation.id': [id],
    'evaluation.unit': [unit],
    'evaluation.weight': [weight],
    'evaluation.slices': input.slices.flatMap((slice) => sliceColumns(slice, columns)),
    'evaluation.metrics': Object.values(metrics).map(({ column }) => column),
  }
  for (const [key, names] of Object.entries(needed)) {
    for (const name of names) if (name !== undefined) requireColumn(columns, name, path, key)
  }
  if (task === 'classification') {
    return { columns, rows, truth: { kind: 'classes', labels: await readCodes(connection, label, path, rows) } }
  }
  return { columns, rows, truth: { kind: 'numbers', numbers: await readNumbers(connection, label, path, rows) } }
}

/** Of the file that says what is true of each row. */
export function truthPath({ source }: EvaluationSpec): string {
  return source.kind === 'predictions' ? (source.labels ?? source.path) : source.path
}

async function openRows({ input, context, connection }: EvaluationPlace, notes: string[]): Promise<OpenedTable> {
  const { evaluation, slices } = input
  const { source, id } = evaluation
  const { workspace } = context
  if (source.kind === 'predictions' && source.labels !== undefined && id !== undefined) {
    const files = { workspace, truth: source.labels, answers: source.path, id, evaluation, slices }
    return joinAnswers(connection, files, notes)
  }
  const isAnswered = source.kind === 'predictions'
  return openTable(connection, { file: join(workspace, source.path), name: source.path, isAnswered })
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
  const { unit, weight } = input.evaluation
  const path = truthPath(input.evaluation)
  return {
    ...(weight === undefined ? {} : { weights: await readWeights(connection, weight, path, rows) }),
    ...(unit === undefined ? {} : { units: await readUnits(connection, unit, path, rows) }),
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
      coded.set(column, await readCodes(connection, column, truthPath(input.evaluation), table.rows, '(none)'))
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
