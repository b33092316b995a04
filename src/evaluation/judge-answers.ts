import { AppError } from '../core/errors.ts'
import { confusionMatrix, countClasses, f1Of, precisionOf, recallOf } from './classification-metrics.ts'
import type { ClassMeasures, ModelMeasures, ModelOutcomes, RowOutcomes } from './evaluation-result.ts'
import type { ClassRows, JudgedRows } from './judged-rows.ts'
import { measureAll } from './measure.ts'
import type { RawAnswers } from './read-answers.ts'

/** Truth and answers as text become places in one list of classes, shared by both models. */
export interface ClassTable {
  readonly classes: readonly string[]
  readonly truth: readonly number[]
}

/** Beyond this a label is an identifier or a number, not a class. */
const MOST_CLASSES = 2_000

export function tabulateClasses(
  truth: readonly string[],
  models: readonly RawAnswers[],
  named: readonly string[],
): ClassTable {
  const all = new Set([
    ...truth.map(canonical),
    ...models.flatMap(({ predicted }) => predicted.map(canonical)),
    ...named.map(canonical),
  ])
  if (all.size > MOST_CLASSES) {
    throw new AppError('INVALID_INPUT', `the labels have ${all.size} different values: is this \`task: regression\`?`)
  }
  const classes = [...all].toSorted(byNumberOrName)
  const places = new Map(classes.map((name, place) => [name, place]))
  return { classes, truth: truth.map((name) => places.get(canonical(name)) ?? 0) }
}

/** `7.0` in a table of floats is the class `7`; what is true in a table is 1 in a tensor. */
function canonical(name: string): string {
  if (/^(true|false)$/i.test(name)) return name.toLowerCase() === 'true' ? '1' : '0'
  return name.replace(/^(-?\d+)\.0+$/, '$1')
}

function byNumberOrName(a: string, b: string): number {
  const difference = Number(a) - Number(b)
  return Number.isNaN(difference) || difference === 0 ? Number(a > b) - Number(a < b) : difference
}

/**
 * A model's answers in the shared list of classes. `names` are the classes of its scores, in their order;
 * where nobody names them they are those that are true of some row, if there are as many.
 */
export function classOutcomes(
  answers: RawAnswers,
  table: ClassTable,
  names: readonly string[] | undefined,
): ModelOutcomes {
  const places = new Map(table.classes.map((name, place) => [name, place]))
  const predicted = answers.predicted.map((name) => places.get(canonical(name)) ?? 0)
  const columns = scoreColumns(
    answers.width,
    table,
    names?.map((name) => places.get(canonical(name)) ?? 0),
  )
  if (columns === undefined) return { predicted }
  const width = table.classes.length
  const scores = Array.from({ length: predicted.length * width }, () => 0)
  for (let row = 0; row < predicted.length; row++) {
    for (const [k, place] of columns.entries()) {
      scores[row * width + place] = Number((answers.scores[row * answers.width + k] ?? 0).toPrecision(7))
    }
  }
  return { predicted, scores }
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
  if (outcomes.task === 'regression') {
    return {
      kind: 'regression',
      truth: Float64Array.from(outcomes.truth),
      predicted: Float64Array.from(model.predicted),
    }
  }
  const rows = {
    kind: 'classification',
    classes: outcomes.classes ?? [],
    truth: Int32Array.from(outcomes.truth),
    predicted: Int32Array.from(model.predicted),
  } as const
  return model.scores === undefined ? rows : { ...rows, scores: Float64Array.from(model.scores) }
}

/** The rows that are in this value of a slice. */
export function placesOf(of: readonly number[], place: number): number[] {
  return of.flatMap((value, row) => (value === place ? [row] : []))
}

const MOST_SHOWN_CLASSES = 50

export function measureModel(rows: JudgedRows): ModelMeasures {
  const metrics = measureAll(rows)
  if (rows.kind === 'regression' || rows.classes.length > MOST_SHOWN_CLASSES) return { metrics }
  return { metrics, classes: classMeasures(rows), confusion: confusionMatrix(rows) }
}

function classMeasures(rows: ClassRows): ClassMeasures[] {
  const counts = countClasses(rows, new Float64Array(rows.truth.length).fill(1))
  return rows.classes.map((name, c) => ({
    name,
    rows: counts.actual[c] ?? 0,
    precision: precisionOf(counts, c),
    recall: recallOf(counts, c),
    f1: f1Of(counts, c),
  }))
}
