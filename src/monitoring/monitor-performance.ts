import { normalQuantile } from '../statistics/normal.ts'
import { exactInterval, exactLower, exactUpper, type Range } from '../statistics/proportion-interval.ts'
import { type MonitorFinding, percent } from './monitor-finding.ts'

/** Predictions of a window that their labels have reached. */
export interface LabelledWindow {
  /** Rows that are old enough to have a label. */
  readonly rows: number
  readonly labelled: number
  readonly correct: number
  /** Over labelled rows whose prediction and label are numbers. */
  readonly numeric: { readonly rows: number; readonly absolute: Moments; readonly squared: Moments }
}

/** Of single values: mean and variance. */
export interface Moments {
  readonly mean: number
  readonly variance: number
}

export const PERFORMANCE_METRICS = ['accuracy', 'mae', 'rmse'] as const
export type PerformanceMetric = (typeof PERFORMANCE_METRICS)[number]

export interface PerformanceRule {
  readonly metric: PerformanceMetric
  readonly min?: number
  readonly max?: number
  /** Default 0.99. */
  readonly confidence?: number
  /** Default 200: below it, a bad stretch of a good model looks like a bad model. */
  readonly minimumLabels?: number
}

const PERFORMANCE_DEFAULTS = { confidence: 0.99, minimumLabels: 200 } as const

/**
 * Is the model surely worse than its limit, going by the labels that have arrived? Trouble when even the
 * favourable end of a one-sided interval (exact for accuracy, normal for errors) is beyond it. Labels that
 * arrive early may not be like those that arrive late: ask with rows that are old enough only.
 */
export function judgePerformance(window: LabelledWindow, rule: PerformanceRule): MonitorFinding {
  const { confidence, minimumLabels } = { ...PERFORMANCE_DEFAULTS, ...rule }
  const measured =
    rule.metric === 'accuracy' ? accuracy(window, confidence) : errorMetric(window, rule.metric, confidence)
  const coverage = window.rows === 0 ? 0 : measured.labels / window.rows
  const evidence = { rows: window.rows, ...measured, coverage, rule: { ...rule, confidence, minimumLabels } }
  if (measured.labels < minimumLabels) {
    return {
      state: 'too-few-rows',
      summary: `${measured.labels} of ${window.rows} rows have a label: too few to say (${minimumLabels} are needed).`,
      evidence,
    }
  }
  const isTooLow = rule.min !== undefined && measured.atMost < rule.min
  const isTooHigh = rule.max !== undefined && measured.atLeast > rule.max
  const sentence = `${rule.metric} ${round(measured.value)} (${round(measured.interval.low)} to ${round(measured.interval.high)}) on ${measured.labels} labels, ${percent(coverage)} of rows`
  if (isTooLow) return { state: 'trouble', summary: `${sentence}: below ${rule.min}.`, evidence }
  return isTooHigh
    ? { state: 'trouble', summary: `${sentence}: above ${rule.max}.`, evidence }
    : { state: 'ok', summary: `${sentence}.`, evidence }
}

interface Measured {
  readonly labels: number
  readonly value: number
  /** Two-sided. */
  readonly interval: Range
  /** One-sided. */
  readonly atLeast: number
  readonly atMost: number
}

function accuracy({ labelled, correct }: LabelledWindow, confidence: number): Measured {
  const proportion = { successes: correct, trials: labelled, confidence }
  return {
    labels: labelled,
    value: labelled === 0 ? 0 : correct / labelled,
    interval: exactInterval(proportion),
    atLeast: exactLower(proportion),
    atMost: exactUpper(proportion),
  }
}

function errorMetric({ numeric }: LabelledWindow, metric: 'mae' | 'rmse', confidence: number): Measured {
  const { mean, variance } = metric === 'mae' ? numeric.absolute : numeric.squared
  const standardError = numeric.rows === 0 ? 0 : Math.sqrt(variance / numeric.rows)
  const toMetric = (value: number): number => (metric === 'mae' ? value : Math.sqrt(Math.max(0, value)))
  const two = normalQuantile((1 + confidence) / 2) * standardError
  const one = normalQuantile(confidence) * standardError
  return {
    labels: numeric.rows,
    value: toMetric(mean),
    interval: { low: toMetric(mean - two), high: toMetric(mean + two) },
    atLeast: toMetric(mean - one),
    atMost: toMetric(mean + one),
  }
}

function round(value: number): string {
  return String(Number(value.toPrecision(4)))
}
