import { AppError } from '../core/errors.ts'
import type { Answers } from './answers.ts'
import { confusionMatrix, countClasses, f1Of, precisionOf, recallOf } from './class-counts.ts'
import { recode, type Coded } from './coded-column.ts'
import type { ClassMeasures, ModelMeasures, ModelOutcomes, RowOutcomes } from './evaluation-result.ts'
import { numberUnits, type ClassRows, type JudgedRows } from './judged-rows.ts'
import { measureAll } from './measure.ts'
import type { OwnMetrics } from './metrics.ts'

type ClassAnswers = Extract<Answers, { kind: 'classes' }>

/** Truth and answers as text become places in one list of classes, shared by both models. */
export interface ClassTable {
  readonly classes: readonly string[]
  readonly truth: Int32Array
  readonly placeOf: (name: string) => number
}

/** Beyond this a label is an identifier or a number, not a class. */
const MOST_CLASSES = 2_000

export function tabulateClasses(
  labels: Coded,
  models: readonly ClassAnswers[],
  positive: string | undefined,
): ClassTable {
  const all = new Set([
    ...labels.values.map(canonical),
    ...models.flatMap(({ predicted, names }) => [...predicted.values, ...(names ?? [])].map(canonical)),
  ])
  if (all.size > MOST_CLASSES) {
    throw new AppError('INVALID_INPUT', `the labels have ${all.size} different values: is this \`task: regression\`?`)
  }
  if (positive !== undefined && !all.has(canonical(positive))) {
    const some = [...all].slice(0, 8).join(', ')
    const message = `no row is "${positive}" (evaluation.positive), and no answer either. The classes are ${some}.`
    throw new AppError('INVALID_INPUT', message)
  }
  const classes = [...all].toSorted(byNumberOrName)
  const places = new Map(classes.map((name, place) => [name, place]))
  const placeOf = (name: string): number => places.get(canonical(name)) ?? 0
  return { classes, truth: recode(labels, labels.values.map(placeOf)), placeOf }
}

/** As classes are named here: `7.0` in a table of floats is the class `7`; what is true in a table is 1 in a tensor. */
export function canonical(name: string): string {
  if (/^(true|false)$/i.test(name)) return name.toLowerCase() === 'true' ? '1' : '0'
  return name.replace(/^(-?\d+)\.0+$/, '$1')
}

function byNumberOrName(a: string, b: string): number {
  const difference = Number(a) - Number(b)
  return Number.isNaN(difference) || difference === 0 ? Number(a > b) - Number(a < b) : difference
}

/**
 * A model's answers in the shared list of classes. Where nobody names the classes of its scores they are those
 * that are true of some row, if there are as many.
 */
export function classOutcomes({ predicted, scores, width, names }: ClassAnswers, table: ClassTable): ModelOutcomes {
  const own = { predicted: recode(predicted, predicted.values.map(table.placeOf)) }
  const columns = scoreColumns(width, table, names?.map(table.placeOf))
  if (columns === undefined) return own
  const rows = own.predicted.length
  const classes = table.classes.length
  const isInPlace = width === classes && columns.every((column, place) => column === place)
  if (isInPlace && scores instanceof Float64Array) return { ...own, scores }
  const all = new Float64Array(rows * classes)
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < width; k++) all[row * classes + columns[k]!] = scores[row * width + k]!
  }
  return { ...own, scores: all }
}

function scoreColumns(
  width: number,
  { classes, truth }: ClassTable,
  named: readonly number[] | undefined,
): readonly number[] | undefined {
  if (width < 2) return undefined
  if (named !== undefined) return named.length === width ? named : undefined
  if (classes.length === width) return classes.map((_, place) => place)
  const seen = [...new Set(truth)].toSorted((a, b) => a - b)
  return seen.length === width ? seen : undefined
}

/** The rows of one model, out of the stored outcomes. */
export function rowsOf(outcomes: RowOutcomes, model: ModelOutcomes): JudgedRows {
  const { task, truth, weights, units, classes = [], positive } = outcomes
  const { own } = model
  const sampling = {
    rows: truth.length,
    ...(weights === undefined ? {} : { weights: doubles(weights) }),
    ...(units === undefined ? {} : { units: numberUnits(units.length, (i) => units[i]!) }),
  }
  const base = {
    sampling,
    ...(own === undefined
      ? {}
      : { own: Object.fromEntries(Object.entries(own).map(([name, values]) => [name, doubles(values)])) }),
  }
  if (task === 'regression') {
    return { kind: 'regression', ...base, truth: doubles(truth), predicted: doubles(model.predicted) }
  }
  return {
    kind: 'classification',
    ...base,
    ...pairOf(outcomes),
    classes,
    truth: integers(truth),
    predicted: integers(model.predicted),
    ...(model.scores === undefined ? {} : { scores: doubles(model.scores) }),
    ...(positive === undefined ? {} : { positive }),
  }
}

/**
 * One answer that is no class of any row makes three classes of two, and would change what the scores of all rows
 * are judged by. Of the whole table, so that its slices are judged alike; mostly the first rows say that there are more.
 */
function pairOf(outcomes: RowOutcomes): Pick<ClassRows, 'pair'> {
  const { classes = [], truth, candidate, champion } = outcomes
  const width = classes.length
  if (width <= 2) return {}
  const live = new Set<number>()
  for (const { scores = [] } of [candidate, ...(champion === undefined ? [] : [champion])]) {
    for (let i = 0; i < scores.length && live.size <= 2; i++) if (scores[i] !== 0) live.add(i % width)
  }
  for (let i = 0; i < truth.length && live.size <= 2; i++) live.add(truth[i]!)
  const [one, other] = [...live].toSorted((a, b) => a - b)
  return live.size === 2 && one !== undefined && other !== undefined ? { pair: [one, other] } : {}
}

function doubles(values: ArrayLike<number>): Float64Array {
  return values instanceof Float64Array ? values : Float64Array.from(values)
}

function integers(values: ArrayLike<number>): Int32Array {
  return values instanceof Int32Array ? values : Int32Array.from(values)
}

/** The rows of each value of a slice, in one pass; those beyond the last value are left out. */
export function placesOf(of: ArrayLike<number>, values: number): readonly Uint32Array[] {
  const counts = new Uint32Array(values)
  for (let i = 0; i < of.length; i++) if (of[i]! < values) counts[of[i]!]!++
  const places = [...counts].map((count) => new Uint32Array(count))
  counts.fill(0)
  for (let i = 0; i < of.length; i++) {
    const value = of[i]!
    if (value < values) places[value]![counts[value]!++] = i
  }
  return places
}

const MOST_SHOWN_CLASSES = 50

export function measureModel(rows: JudgedRows, names: readonly string[], own?: OwnMetrics): ModelMeasures {
  const metrics = measureAll(rows, names, own)
  if (rows.kind === 'regression' || rows.classes.length > MOST_SHOWN_CLASSES) return { metrics }
  return { metrics, classes: classMeasures(rows), confusion: confusionMatrix(rows) }
}

function classMeasures(rows: ClassRows): ClassMeasures[] {
  const counts = countClasses(rows)
  return rows.classes.map((name, c) => ({
    name,
    rows: counts.actual[c] ?? 0,
    precision: precisionOf(counts, c) || 0,
    recall: recallOf(counts, c) || 0,
    f1: f1Of(counts, c) || 0,
  }))
}
