import { lossQuantile, metricInfo, METRICS } from '../pipeline/keys/metrics.ts'
import { CELL_METRICS } from './cell-metrics.ts'
import type { ClassRows, JudgedRows, NumberRows } from './judged-rows.ts'
import type { ClassComputation, MeanComputation, NumberComputation } from './metric-computation.ts'
import { quantileLoss, REGRESSION_METRICS } from './regression-metrics.ts'
import { SCORE_METRICS } from './score-metrics.ts'

/** A number that says how good answers are, ready to be computed of one model's rows. */
export type Metric = { readonly name: string; readonly better: 'higher' | 'lower' } & (
  | { readonly task: 'classification'; readonly needsScores: boolean; readonly computation: ClassComputation }
  | { readonly task: 'regression'; readonly computation: NumberComputation }
  /** A mean over rows of a column of the author's own. */
  | { readonly task: 'own'; readonly computation: MeanComputation<JudgedRows> }
)

const CLASSIFICATION: Readonly<Record<string, ClassComputation>> = { ...CELL_METRICS, ...SCORE_METRICS }

/** `own`: the direction of each metric of the author's own. */
export function findMetric(task: JudgedRows['kind'], name: string, own: OwnMetrics = {}): Metric | undefined {
  const better = own[name]?.better
  if (better !== undefined) return ownMetric(name, better)
  const info = metricInfo(task, name)
  if (info === undefined) return undefined
  if (task === 'classification') {
    const computation = CLASSIFICATION[name]
    return computation && { name, better: info.better, task, needsScores: info.needs === 'scores', computation }
  }
  const quantile = lossQuantile(name)
  const computation = quantile === undefined ? REGRESSION_METRICS[name] : quantileLoss(quantile)
  return computation && { name, better: info.better, task, computation }
}

export type OwnMetrics = Readonly<Record<string, { readonly better: 'higher' | 'lower' }>>

function ownMetric(name: string, better: 'higher' | 'lower'): Metric {
  const perRow = (rows: JudgedRows): Float64Array =>
    rows.own?.[name] ?? new Float64Array(rows.sampling.rows).fill(Number.NaN)
  return { name, better, task: 'own', computation: { kind: 'mean', perRow } }
}

/** All that a task's rows can have: those that need scores only where there are some. */
export function metricNames(rows: JudgedRows): readonly string[] {
  const names = METRICS[rows.kind].filter((name) => {
    const info = metricInfo(rows.kind, name)
    return info?.needs === undefined || (rows.kind === 'classification' && rows.scores !== undefined)
  })
  return [...names, ...Object.keys(rows.own ?? {})]
}

/** The computation together with rows of its kind; undefined where they do not go together. */
export type Measurable =
  | { readonly computation: ClassComputation; readonly rows: ClassRows }
  | { readonly computation: NumberComputation; readonly rows: NumberRows }
  | { readonly computation: MeanComputation<JudgedRows>; readonly rows: JudgedRows }

export function measurable(metric: Metric, rows: JudgedRows): Measurable | undefined {
  if (metric.task === 'own') return { computation: metric.computation, rows }
  if (metric.task === 'classification' && rows.kind === 'classification')
    return { computation: metric.computation, rows }
  if (metric.task === 'regression' && rows.kind === 'regression') return { computation: metric.computation, rows }
  return undefined
}
