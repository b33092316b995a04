import { bootstrapMetric } from '../statistics/metric-bootstrap.ts'
import { wilsonInterval } from '../statistics/proportion-interval.ts'
import type { JudgedRows } from './judged-rows.ts'
import { canMeasure, metricsOf, valuePerRow, weightedMetric, type Metric } from './metrics.ts'

/** A metric with the interval that the true value lies in, as far as the rows can tell. Null: does not exist here. */
export interface Measure {
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
}

/** Of every interval shown; gates against the champion have their own. */
const SHOWN_CONFIDENCE = 0.95

/** The same seed everywhere, so that a decision can be computed again from its rows. */
export const SEED = 20_260_101

/** Two thousand where rows are few; fewer for many, where ends hardly move: about 0.2 s a metric. */
export function resamplesFor(rows: number): number {
  return Math.round(Math.min(2_000, Math.max(200, 20_000_000 / Math.max(1, rows))))
}

/** Every metric the rows support, or those named. */
export function measureAll(rows: JudgedRows, names?: readonly string[]): Record<string, Measure> {
  const hasScores = rows.kind === 'classification' && rows.scores !== undefined
  const wanted = metricsOf(rows.kind, hasScores).filter(({ name }) => names === undefined || names.includes(name))
  return Object.fromEntries(wanted.map((metric) => [metric.name, measure(metric, rows)]))
}

function measure(metric: Metric, rows: JudgedRows): Measure {
  const count = rows.truth.length
  if (count === 0 || !canMeasure(metric, rows)) return { value: null, low: null, high: null }
  if (metric.name === 'accuracy') return share(valuePerRow(metric, rows) ?? new Float64Array())
  const of = weightedMetric(metric, rows)
  const interval = bootstrapMetric({
    rows: count,
    metric: of,
    confidence: SHOWN_CONFIDENCE,
    seed: SEED,
    resamples: resamplesFor(count),
  })
  return { value: finite(interval.estimate), low: finite(interval.low), high: finite(interval.high) }
}

/** Shares have an interval that holds for few rows and near 0 and 1 too. */
function share(values: Float64Array): Measure {
  const successes = values.reduce((sum, value) => sum + value, 0)
  const { low, high } = wilsonInterval({ successes, trials: values.length, confidence: SHOWN_CONFIDENCE })
  return { value: successes / values.length, low, high }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
