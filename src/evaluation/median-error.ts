import { sortedOrder } from '../statistics/sorted-order.ts'
import { errorPerRow } from './error-per-row.ts'
import type { NumberRows } from './judged-rows.ts'
import type { WeightsComputation } from './metric-computation.ts'

/** The middle of the absolute errors; of an even number the mean of the two in the middle. */
export const MEDIAN_ERROR: WeightsComputation<NumberRows> = {
  kind: 'weights',
  prepare(rows) {
    const { errors, order } = sortErrors(rows)
    return (weights) => middle(errors, order, weights)
  },
  binned(rows) {
    const { errors, order } = sortErrors(rows)
    const slot = new Uint16Array(order.length)
    const edges = new Float64Array(BINS + 1)
    for (let i = 0; i < order.length; i++) {
      const bin = Math.floor((i * BINS) / order.length)
      slot[order[i]!] = bin
      edges[bin + 1] = errors[order[i]!]!
    }
    edges[0] = errors[order[0]!]!
    return { parts: [{ width: BINS, slot }], of: (sums) => middleOfBins(sums, edges) }
  },
}

/** As many rows each; between its ends a bin's errors are taken to be spread evenly. */
const BINS = 1_024

function sortErrors(rows: NumberRows): { errors: Float64Array; order: Uint32Array } {
  const errors = errorPerRow(rows, (truth, predicted) => Math.abs(truth - predicted))
  return { errors, order: sortedOrder(errors) }
}

function middle(errors: Float64Array, order: Uint32Array, weights: Float64Array | undefined): number {
  const weightOf = (row: number): number => (weights === undefined ? 1 : weights[row]!)
  let total = 0
  for (let i = 0; i < errors.length; i++) total += weightOf(i)
  let below = 0
  for (let place = 0; place < order.length; place++) {
    const row = order[place]!
    below += weightOf(row)
    if (below > total / 2) return errors[row]!
    if (below === total / 2 && below > 0) return (errors[row]! + errors[nextWeighted(order, place, weightOf)]!) / 2
  }
  return Number.NaN
}

function nextWeighted(order: Uint32Array, place: number, weightOf: (row: number) => number): number {
  let next = place + 1
  while (next < order.length - 1 && weightOf(order[next]!) === 0) next++
  return order[Math.min(next, order.length - 1)]!
}

function middleOfBins(sums: Float64Array, edges: Float64Array): number {
  const half = sums.reduce((sum, value) => sum + value, 0) / 2
  let below = 0
  for (let bin = 0; bin < BINS; bin++) {
    const own = sums[bin]!
    if (own > 0 && below + own >= half) return edges[bin]! + ((half - below) / own) * (edges[bin + 1]! - edges[bin]!)
    below += own
  }
  return Number.NaN
}
