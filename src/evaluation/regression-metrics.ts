import type { NumberRows } from './judged-rows.ts'

export function errorPerRow(
  { truth, predicted }: NumberRows,
  error: (truth: number, predicted: number) => number,
): Float64Array {
  return Float64Array.from(truth, (value, i) => error(value, predicted[i]!))
}

/** The share of the truth's variance that the model explains: 1 is perfect, 0 is as good as the mean. */
export function rSquared({ truth, predicted }: NumberRows, weights: Float64Array): number {
  let weight = 0
  let sum = 0
  for (let i = 0; i < truth.length; i++) {
    weight += weights[i]!
    sum += weights[i]! * truth[i]!
  }
  const mean = sum / weight
  let residual = 0
  let total = 0
  for (let i = 0; i < truth.length; i++) {
    residual += weights[i]! * (truth[i]! - predicted[i]!) ** 2
    total += weights[i]! * (truth[i]! - mean) ** 2
  }
  return total === 0 ? Number.NaN : 1 - residual / total
}

/** The middle of the absolute errors; of an even number the mean of the two in the middle. Sorted once. */
export function prepareMedianError(rows: NumberRows): (weights: Float64Array) => number {
  const errors = errorPerRow(rows, (truth, predicted) => Math.abs(truth - predicted))
  const order = Uint32Array.from(errors.keys()).sort((a, b) => errors[a]! - errors[b]!)
  return (weights) => {
    const half = weights.reduce((sum, weight) => sum + weight, 0) / 2
    let below = 0
    for (const [place, row] of order.entries()) {
      below += weights[row]!
      if (below > half) return errors[row]!
      if (below === half) return (errors[row]! + errors[nextWeighted(order, place, weights)]!) / 2
    }
    return Number.NaN
  }
}

function nextWeighted(order: Uint32Array, place: number, weights: Float64Array): number {
  let next = place + 1
  while (next < order.length - 1 && weights[order[next]!] === 0) next++
  return order[Math.min(next, order.length - 1)]!
}
