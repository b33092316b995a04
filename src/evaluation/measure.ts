import { intervalOf } from '../statistics/inference.ts'
import { inferMetric } from './infer-metric.ts'
import type { JudgedRows } from './judged-rows.ts'
import { findMetric, metricNames, type Metric, type OwnMetrics } from './metrics.ts'
import { reasonAgainst, whyUndefined } from './why-undefined.ts'

/** A metric with the interval that the true value lies in, as far as the rows can tell. */
export interface Measure {
  /** Null: it does not exist for these rows; `why` says the reason. */
  readonly value: number | null
  readonly low: number | null
  readonly high: number | null
  readonly why?: string
  /** How the interval was found. */
  readonly method?: string
}

/** Of every interval shown; gates may have their own. */
export const SHOWN_CONFIDENCE = 0.95

/** Every metric the rows support, or those named. */
export function measureAll(rows: JudgedRows, names = metricNames(rows), own: OwnMetrics = {}): Record<string, Measure> {
  const metrics = [...new Set(names)].flatMap((name) => findMetric(rows.kind, name, own) ?? [])
  return Object.fromEntries(metrics.map((metric) => [metric.name, measure(metric, rows)]))
}

export function measure(metric: Metric, rows: JudgedRows): Measure {
  const against = reasonAgainst(metric, rows)
  if (against !== undefined) return undefinedMeasure(against)
  const inference = inferMetric(metric, rows)
  if (!Number.isFinite(inference.estimate)) return undefinedMeasure(whyUndefined(metric, rows))
  const { low, high } = intervalOf(inference, SHOWN_CONFIDENCE)
  return { value: inference.estimate, low: finite(low), high: finite(high), method: inference.method }
}

function undefinedMeasure(why: string): Measure {
  return { value: null, low: null, high: null, why }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
