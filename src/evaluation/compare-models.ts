import { bootstrapMetric } from '../statistics/metric-bootstrap.ts'
import { pairedDifference } from '../statistics/paired-bootstrap.ts'
import type { JudgedRows } from './judged-rows.ts'
import { resamplesFor, SEED } from './measure.ts'
import { canMeasure, valuePerRow, weightedMetric, type Metric } from './metrics.ts'

/** How much better the candidate is than the champion on the same rows; negative: worse. In the metric's unit. */
export interface Comparison {
  readonly candidate: number
  readonly champion: number
  readonly advantage: number
  /** Two-sided interval of the advantage. */
  readonly low: number
  readonly high: number
  /** One-sided ends: with `confidence` the advantage is at least, and at most, this. */
  readonly atLeast: number
  readonly atMost: number
  readonly confidence: number
  readonly rows: number
}

/**
 * Paired: each resample draws rows, with both models' answers to them, so that rows both find hard cancel
 * out. Undefined where the metric does not exist for the rows, or in more than one resample in twenty.
 */
export function compareModels(
  metric: Metric,
  candidate: JudgedRows,
  champion: JudgedRows,
  confidence: number,
): Comparison | undefined {
  const rows = candidate.truth.length
  if (rows === 0 || !canMeasure(metric, candidate) || !canMeasure(metric, champion)) return undefined
  const interval = difference(metric, candidate, champion, confidence)
  if (!Number.isFinite(interval.estimate) || interval.undefinedShare > 0.05) return undefined
  const all = new Float64Array(rows).fill(1)
  const values = { candidate: weightedMetric(metric, candidate)(all), champion: weightedMetric(metric, champion)(all) }
  const { estimate, low, high, atLeast, atMost } = interval
  if (metric.better === 'higher')
    return { ...values, advantage: estimate, low, high, atLeast, atMost, confidence, rows }
  return {
    ...values,
    advantage: -estimate,
    low: -high,
    high: -low,
    atLeast: -atMost,
    atMost: -atLeast,
    confidence,
    rows,
  }
}

function difference(metric: Metric, candidate: JudgedRows, champion: JudgedRows, confidence: number) {
  const rows = candidate.truth.length
  const options = { confidence, seed: SEED, resamples: resamplesFor(rows) }
  const perRow = { candidate: valuePerRow(metric, candidate), champion: valuePerRow(metric, champion) }
  if (perRow.candidate !== undefined && perRow.champion !== undefined) {
    const paired = pairedDifference({ candidate: perRow.candidate, champion: perRow.champion, ...options })
    return { ...paired, undefinedShare: 0 }
  }
  const ofCandidate = weightedMetric(metric, candidate)
  const ofChampion = weightedMetric(metric, champion)
  return bootstrapMetric({ rows, metric: (weights) => ofCandidate(weights) - ofChampion(weights), ...options })
}
