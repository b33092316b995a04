import type { RankedRows } from '../statistics/rank-area.ts'
import type { ClassRows } from './judged-rows.ts'
import type { WeightsComputation } from './metric-computation.ts'
import { ranked, rankedClasses } from './ranked-classes.ts'

/**
 * Average precision: going down the scores, the precision so far, at each step by the recall that it adds; rows
 * of equal score at once. Of several classes the mean of those that are true of some row.
 */
export const PRECISION_RECALL_AREA: WeightsComputation<ClassRows> = {
  kind: 'weights',
  range: [0, 1],
  prepare(rows) {
    const classes = rankedClasses(rows).map((c) => ranked(rows, c))
    return (weights) => meanDefined(classes.map((one) => averagePrecision(one, weights)))
  },
  binned(rows) {
    const classes = rankedClasses(rows).map((c) => ranked(rows, c))
    const parts = classes.map((one) => ({ width: 2 * BINS, slot: binSlots(one) }))
    return {
      parts,
      of: (sums) => meanDefined(parts.map((_, k) => ofBins(sums.subarray(k * 2 * BINS, (k + 1) * 2 * BINS)))),
    }
  },
}

function averagePrecision({ scores, isPositive, order }: RankedRows, weights: Float64Array | undefined): number {
  let right = 0
  let called = 0
  let area = 0
  for (let start = scores.length - 1, end = start; start >= 0; start = end) {
    const score = scores[start]!
    let tiedRight = 0
    for (end = start; end >= 0 && scores[end] === score; end--) {
      const weight = weights === undefined ? 1 : weights[order[end]!]!
      called += weight
      tiedRight += weight * isPositive[end]!
    }
    right += tiedRight
    if (tiedRight > 0) area += (tiedRight * right) / called
  }
  return area / right
}

/** As many rows each, from the highest scores down; rows of equal score in one. */
const BINS = 256

/** Even slots: rows that are not the class; odd: those that are. */
function binSlots({ scores, isPositive, order }: RankedRows): Uint16Array {
  const slots = new Uint16Array(order.length)
  let bin = 0
  for (let i = order.length - 1; i >= 0; i--) {
    const isTied = i < order.length - 1 && scores[i] === scores[i + 1]
    if (!isTied) bin = Math.floor(((order.length - 1 - i) * BINS) / order.length)
    slots[order[i]!] = 2 * bin + isPositive[i]!
  }
  return slots
}

function ofBins(sums: Float64Array): number {
  let right = 0
  let called = 0
  let area = 0
  for (let bin = 0; bin < BINS; bin++) {
    const tiedRight = sums[2 * bin + 1]!
    called += sums[2 * bin]! + tiedRight
    right += tiedRight
    if (tiedRight > 0) area += (tiedRight * right) / called
  }
  return area / right
}

export function meanDefined(values: readonly number[]): number {
  const defined = values.filter((value) => !Number.isNaN(value))
  return defined.reduce((sum, value) => sum + value, 0) / defined.length
}
