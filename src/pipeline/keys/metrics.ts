import type { EvaluationTask, Percentile } from '../pipeline.ts'

/** Metrics that `evaluation/metrics.ts` computes from rows and labels, by task. */
export const METRICS: Readonly<Record<EvaluationTask, readonly string[]>> = {
  classification: [
    'accuracy',
    'balanced-accuracy',
    'precision',
    'recall',
    'f1',
    'precision-weighted',
    'recall-weighted',
    'f1-weighted',
    'auc',
    'log-loss',
    'brier',
    'calibration-error',
  ],
  regression: ['mae', 'rmse', 'mse', 'r2', 'mape', 'median-absolute-error'],
}

export const ALL_METRICS: readonly string[] = [...METRICS.classification, ...METRICS.regression]

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
