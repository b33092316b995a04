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
  if (rows.scores === undefined) return 'the model gives no scores'
  const against = missing(rows.scores, 'score', rows.classes.length)
  return against === undefined && OF_PROBABILITIES.has(metric.name)
    ? beyondShares(rows.scores, rows.classes.length)
    : against
}

/** Areas look at the order of scores alone; these take them at their word. */
const OF_PROBABILITIES = new Set(['log-loss', 'brier', 'calibration-error'])

/** Single precision rounds a share of 1 up now and then. */
const ROUNDED = 1e-6

/** A margin or a logarithm is a score, and no probability. */
function beyondShares(scores: ArrayLike<number>, width: number): string | undefined {
  const first = BEYOND.get(scores) ?? firstBeyond(scores)
  BEYOND.set(scores, first)
  if (first === -1) return undefined
  return `a score of row ${Math.floor(first / width) + 1} is ${Number(scores[first]!.toPrecision(4))}, which is no probability`
}

const BEYOND = new WeakMap<ArrayLike<number>, number>()

function firstBeyond(scores: ArrayLike<number>): number {
  for (let i = 0; i < scores.length; i++) if (scores[i]! < -ROUNDED || scores[i]! > 1 + ROUNDED) return i
  return -1
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
  if (rows.kind === 'regression')
    return name === 'r2' ? 'the truth is the same for all rows' : 'the errors are too large to be added up'
  const { classes, positive, truth, predicted } = rows
  const of = positive === undefined ? 'more than one class' : `${classes[positive]} and of other classes`
  if (name === 'precision') return `no row was called ${classes[positive ?? 0]}`
  if (positive !== undefined && !truth.includes(positive)) {
    const isCalled = predicted.includes(positive)
    return `no row is ${isCalled || name !== 'f1' ? '' : 'or was called '}${classes[positive]}`
  }
  return `it needs rows of ${of}`
}
