import type { JudgedRows } from './judged-rows.ts'
import type { Metric } from './metrics.ts'

/** What keeps a metric from being computed of these rows at all; undefined: nothing that can be told beforehand. */
export function reasonAgainst(metric: Metric, rows: JudgedRows): string | undefined {
  if (metric.task !== 'own' && metric.task !== rows.kind) return `it is no metric of ${rows.kind}`
  const { sampling } = rows
  if (sampling.rows === 0) return 'there are no rows'
  if (sampling.weights !== undefined && sampling.weights.every((weight) => weight === 0)) return 'all weights are 0'
  if (metric.task === 'own') {
    const values = rows.own?.[metric.name]
    return values === undefined ? `no ${metric.name} was measured` : missing(values, 'value')
  }
  if (rows.kind === 'regression') return missing(rows.truth, 'truth') ?? missing(rows.predicted, 'answer')
  if (metric.task !== 'classification' || !metric.needsScores) return undefined
  return rows.scores === undefined ? 'the model gives no scores' : missing(rows.scores, 'score', rows.classes.length)
}

function missing(values: ArrayLike<number>, what: string, width = 1): string | undefined {
  const rows = MISSING.get(values) ?? countMissing(values, width)
  MISSING.set(values, rows)
  return rows === 0 ? undefined : `${rows} ${rows === 1 ? 'row has' : 'rows have'} no ${what}`
}

/** Every metric of scores asks for the same. */
const MISSING = new WeakMap<ArrayLike<number>, number>()

function countMissing(values: ArrayLike<number>, width: number): number {
  let rows = 0
  let last = -1
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue
    const row = Math.floor(i / width)
    if (row !== last) rows++
    last = row
  }
  return rows
}

/** Why a metric came out as no number, though nothing spoke against it. */
export function whyUndefined({ name }: Metric, rows: JudgedRows): string {
  if (rows.kind === 'regression') return 'the truth is the same for all rows'
  const { classes, positive, truth, predicted } = rows
  const of = positive === undefined ? 'more than one class' : `${classes[positive]} and of other classes`
  if (name === 'precision') return `no row was called ${classes[positive ?? 0]}`
  if (positive !== undefined && !truth.includes(positive)) {
    const isCalled = predicted.includes(positive)
    return `no row is ${isCalled || name !== 'f1' ? '' : 'or was called '}${classes[positive]}`
  }
  return `it needs rows of ${of}`
}
