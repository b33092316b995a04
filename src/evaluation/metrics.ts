import type { EvaluationTask } from '../pipeline/pipeline.ts'
import {
  averageOverClasses,
  balancedAccuracy,
  brierPerRow,
  calibrationError,
  countClasses,
  f1Of,
  logLossPerRow,
  precisionOf,
  prepareAuc,
  recallOf,
  type Average,
  type ClassCounts,
} from './classification-metrics.ts'
import type { ClassRows, JudgedRows, NumberRows } from './judged-rows.ts'
import { errorPerRow, prepareMedianError, rSquared } from './regression-metrics.ts'

/** A number that says how good answers are. */
export type Metric = ClassMetric | NumberMetric

interface MetricBase<Rows> {
  readonly name: string
  readonly better: 'higher' | 'lower'
  /** A mean over rows: its value for each row. Such metrics are compared row by row, in pairs. */
  readonly perRow?: (rows: Rows) => Float64Array
  /** Every other metric: its value, given how much each row counts. Does once what does not depend on that. */
  readonly prepare?: (rows: Rows) => (weights: Float64Array) => number
}

interface ClassMetric extends MetricBase<ClassRows> {
  readonly task: 'classification'
  /** Needs a score for each class, not only the answer. */
  readonly needsScores?: true
}

interface NumberMetric extends MetricBase<NumberRows> {
  readonly task: 'regression'
}

const CLASSIFICATION: readonly Omit<ClassMetric, 'task'>[] = [
  {
    name: 'accuracy',
    better: 'higher',
    perRow: ({ truth, predicted }) => Float64Array.from(truth, (c, i) => (c === predicted[i] ? 1 : 0)),
  },
  {
    name: 'balanced-accuracy',
    better: 'higher',
    prepare: (rows) => (weights) => balancedAccuracy(countClasses(rows, weights)),
  },
  averaged('precision', precisionOf, 'macro'),
  averaged('recall', recallOf, 'macro'),
  averaged('f1', f1Of, 'macro'),
  averaged('precision-weighted', precisionOf, 'weighted'),
  averaged('recall-weighted', recallOf, 'weighted'),
  averaged('f1-weighted', f1Of, 'weighted'),
  { name: 'auc', better: 'higher', needsScores: true, prepare: prepareAuc },
  { name: 'log-loss', better: 'lower', needsScores: true, perRow: logLossPerRow },
  { name: 'brier', better: 'lower', needsScores: true, perRow: brierPerRow },
  {
    name: 'calibration-error',
    better: 'lower',
    needsScores: true,
    prepare: (rows) => (weights) => calibrationError(rows, weights),
  },
]

/** The smallest truth that a percentage is taken of, as scikit-learn does. */
const SMALLEST_TRUTH = 2.220446049250313e-16

const REGRESSION: readonly Omit<NumberMetric, 'task'>[] = [
  { name: 'mae', better: 'lower', perRow: (rows) => errorPerRow(rows, (y, p) => Math.abs(y - p)) },
  { name: 'mse', better: 'lower', perRow: (rows) => errorPerRow(rows, (y, p) => (y - p) ** 2) },
  { name: 'rmse', better: 'lower', prepare: (rows) => rootMeanSquare(errorPerRow(rows, (y, p) => (y - p) ** 2)) },
  { name: 'r2', better: 'higher', prepare: (rows) => (weights) => rSquared(rows, weights) },
  {
    name: 'mape',
    better: 'lower',
    perRow: (rows) => errorPerRow(rows, (y, p) => Math.abs(y - p) / Math.max(Math.abs(y), SMALLEST_TRUTH)),
  },
  { name: 'median-absolute-error', better: 'lower', prepare: prepareMedianError },
]

const TABLES: Readonly<Record<EvaluationTask, readonly Metric[]>> = {
  classification: CLASSIFICATION.map((metric) => ({ ...metric, task: 'classification' })),
  regression: REGRESSION.map((metric) => ({ ...metric, task: 'regression' })),
}

/** All metrics of a task, those that need scores only where there are some. */
export function metricsOf(task: EvaluationTask, hasScores: boolean): readonly Metric[] {
  return TABLES[task].filter((metric) => hasScores || !('needsScores' in metric && metric.needsScores))
}

export function findMetric(task: EvaluationTask, name: string): Metric | undefined {
  return TABLES[task].find((metric) => metric.name === name)
}

/** Whether these rows have what the metric needs. */
export function canMeasure(metric: Metric, rows: JudgedRows): boolean {
  if (metric.task !== rows.kind) return false
  return rows.kind === 'regression' || rows.scores !== undefined || !('needsScores' in metric && metric.needsScores)
}

/** The metric's value for each row; undefined for a metric that is no mean over rows. */
export function valuePerRow(metric: Metric, rows: JudgedRows): Float64Array | undefined {
  if (metric.task === 'classification') return rows.kind === 'classification' ? metric.perRow?.(rows) : undefined
  return rows.kind === 'regression' ? metric.perRow?.(rows) : undefined
}

/** The metric as a function of how much each row counts. NaN says that it does not exist there. */
export function weightedMetric(metric: Metric, rows: JudgedRows): (weights: Float64Array) => number {
  const perRow = valuePerRow(metric, rows)
  if (perRow !== undefined) return weightedMean(perRow)
  if (metric.task === 'classification' && rows.kind === 'classification')
    return metric.prepare?.(rows) ?? undefinedMetric
  if (metric.task === 'regression' && rows.kind === 'regression') return metric.prepare?.(rows) ?? undefinedMetric
  return undefinedMetric
}

function undefinedMetric(): number {
  return Number.NaN
}

function averaged(
  name: string,
  of: (counts: ClassCounts, c: number) => number,
  average: Average,
): Omit<ClassMetric, 'task'> {
  return {
    name,
    better: 'higher',
    prepare: (rows) => (weights) => averageOverClasses(countClasses(rows, weights), of, average),
  }
}

function weightedMean(values: Float64Array): (weights: Float64Array) => number {
  return (weights) => {
    let sum = 0
    let total = 0
    for (let i = 0; i < values.length; i++) {
      sum += weights[i]! * values[i]!
      total += weights[i]!
    }
    return sum / total
  }
}

function rootMeanSquare(squares: Float64Array): (weights: Float64Array) => number {
  const mean = weightedMean(squares)
  return (weights) => Math.sqrt(mean(weights))
}
