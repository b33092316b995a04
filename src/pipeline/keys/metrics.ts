import type { EvaluationTask, Percentile } from '../pipeline.ts'

/** A metric that Tidegate computes from rows and labels (`evaluation/metrics.ts`). */
export interface MetricInfo {
  readonly name: string
  readonly task: EvaluationTask
  readonly better: 'higher' | 'lower'
  /** A score for each class, not only the answer. */
  readonly needs?: 'scores'
  readonly meaning: string
}

/** The only list: what the file may name, what is computed, and what the reference prints. */
export const METRIC_TABLE: readonly MetricInfo[] = [
  ...higher('classification', {
    accuracy: 'share of rows that are answered right',
    'balanced-accuracy': 'mean recall of the classes',
    precision: 'of what was called `evaluation.positive`, the share that is it; without `positive` as precision-macro',
    recall: 'of what is `evaluation.positive`, the share that was called it; without `positive` as recall-macro',
    f1: 'harmonic mean of precision and recall of `evaluation.positive`; without `positive` as f1-macro',
    'precision-macro': 'mean over classes',
    'recall-macro': 'mean over classes',
    'f1-macro': 'mean over classes',
    'precision-micro': 'over all rows at once, which is accuracy',
    'recall-micro': 'over all rows at once, which is accuracy',
    'f1-micro': 'over all rows at once, which is accuracy',
    'precision-weighted': 'mean over classes by their rows',
    'recall-weighted': 'mean over classes by their rows',
    'f1-weighted': 'mean over classes by their rows',
  }),
  ...higher(
    'classification',
    {
      auc: 'area under the ROC curve of `positive` (of two classes: the second); of more classes the mean, each against the rest',
      'auc-weighted': 'the same; of more classes the mean by their rows',
      'pr-auc': 'average precision of `positive` (of two classes: the second); of more classes the mean',
    },
    'scores',
  ),
  ...lower(
    'classification',
    {
      'log-loss': 'mean of minus the logarithm of what the true class was given',
      brier: 'mean squared error of the scores; of two classes that of `positive` alone',
      'calibration-error': 'expected calibration error (ECE): confidence against accuracy in ten equal bins',
    },
    'scores',
  ),
  ...lower('regression', {
    mae: 'mean absolute error',
    rmse: 'root of the mean squared error',
    mse: 'mean squared error',
    mape: 'mean of the absolute error over the absolute truth',
    'median-absolute-error': 'half of the absolute errors are smaller',
  }),
  ...higher('regression', { r2: 'share of the variance that is explained' }),
]

/** `quantile-loss-p90`: the loss whose least value has the model that answers the 90 % quantile. */
const QUANTILE = /^quantile-loss-p([1-9]\d?)$/

/** 0.9 of `quantile-loss-p90`; undefined for another name. */
export function lossQuantile(name: string): number | undefined {
  const percent = QUANTILE.exec(name)?.[1]
  return percent === undefined ? undefined : Number(percent) / 100
}

export function metricInfo(task: EvaluationTask, name: string): MetricInfo | undefined {
  const quantile = lossQuantile(name)
  if (quantile !== undefined && task === 'regression')
    return { name, task, better: 'lower', meaning: `mean loss of the ${quantile} quantile` }
  return METRIC_TABLE.find((metric) => metric.task === task && metric.name === name)
}

/** Of some task. */
export function isMetric(name: string): boolean {
  return (['classification', 'regression'] as const).some((task) => metricInfo(task, name) !== undefined)
}

/** Names by task, quantile losses apart. */
export const METRICS: Readonly<Record<EvaluationTask, readonly string[]>> = {
  classification: namesOf('classification'),
  regression: namesOf('regression'),
}

export const ALL_METRICS: readonly string[] = [...METRICS.classification, ...METRICS.regression]

/** What a gate may bound besides: bytes of all files of the bundle. */
export const MODEL_SIZE = 'model-size'

export const LATENCIES = ['latency-p50', 'latency-p95', 'latency-p99'] as const

const PERCENTILES: Readonly<Record<(typeof LATENCIES)[number], Percentile>> = {
  'latency-p50': 50,
  'latency-p95': 95,
  'latency-p99': 99,
}

/** Undefined for what is no latency. */
export function latencyPercentile(metric: string): Percentile | undefined {
  const name = LATENCIES.find((latency) => latency === metric)
  return name === undefined ? undefined : PERCENTILES[name]
}

function namesOf(task: EvaluationTask): string[] {
  return METRIC_TABLE.filter((metric) => metric.task === task).map(({ name }) => name)
}

function higher(task: EvaluationTask, meanings: Readonly<Record<string, string>>, needs?: 'scores'): MetricInfo[] {
  return rows(task, 'higher', meanings, needs)
}

function lower(task: EvaluationTask, meanings: Readonly<Record<string, string>>, needs?: 'scores'): MetricInfo[] {
  return rows(task, 'lower', meanings, needs)
}

function rows(
  task: EvaluationTask,
  better: MetricInfo['better'],
  meanings: Readonly<Record<string, string>>,
  needs: 'scores' | undefined,
): MetricInfo[] {
  return Object.entries(meanings).map(([name, meaning]) => ({
    name,
    task,
    better,
    meaning,
    ...(needs === undefined ? {} : { needs }),
  }))
}
