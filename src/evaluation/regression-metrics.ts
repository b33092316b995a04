import { sumParts, type Part } from '../statistics/additive.ts'
import { errorPerRow } from './error-per-row.ts'
import type { NumberRows } from './judged-rows.ts'
import { MEDIAN_ERROR } from './median-error.ts'
import type { NumberComputation } from './metric-computation.ts'

/** The smallest truth that a percentage is taken of, as scikit-learn does. */
const SMALLEST_TRUTH = 2.220446049250313e-16

export const REGRESSION_METRICS: Readonly<Record<string, NumberComputation>> = {
  mae: meanError((y, p) => Math.abs(y - p)),
  mse: meanError((y, p) => (y - p) ** 2),
  mape: meanError((y, p) => Math.abs(y - p) / Math.max(Math.abs(y), SMALLEST_TRUTH)),
  rmse: {
    kind: 'sums',
    parts: (rows) => [{ width: 1, values: errorPerRow(rows, (y, p) => (y - p) ** 2) }, { width: 1 }],
    of: (sums) => Math.sqrt(sums[0]! / sums[1]!),
  },
  r2: { kind: 'sums', parts: varianceParts, of: rSquared },
  'median-absolute-error': MEDIAN_ERROR,
}

/** The loss that the `quantile` of what may come makes least: too low costs `quantile`, too high the rest. */
export function quantileLoss(quantile: number): NumberComputation {
  return meanError((y, p) => Math.max(quantile * (y - p), (quantile - 1) * (y - p)))
}

function meanError(error: (truth: number, predicted: number) => number): NumberComputation {
  return { kind: 'mean', perRow: (rows) => errorPerRow(rows, error) }
}

/** Truth is taken from its mean, so that the squares of large numbers do not swallow their differences. */
function varianceParts({ truth, predicted, sampling }: NumberRows): readonly Part[] {
  const [sum, weight] = sumParts([{ width: 1, values: truth }, { width: 1 }], sampling.rows, sampling.weights)
  const centred = truth.map((value) => value - sum! / weight!)
  return [
    { width: 1, values: centred },
    { width: 1, values: centred.map((value) => value * value) },
    { width: 1, values: truth.map((value, i) => (value - predicted[i]!) ** 2) },
    { width: 1 },
  ]
}

/** The share of the truth's variance that the model explains: 1 is perfect, 0 is as good as the mean. */
function rSquared(sums: Float64Array): number {
  const [sum, squares, residual, weight] = sums as unknown as [number, number, number, number]
  const total = squares - (sum * sum) / weight
  return total <= 1e-12 * squares ? Number.NaN : 1 - residual / total
}
