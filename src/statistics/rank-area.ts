import type { Sampling } from './additive.ts'
import { sortedWithOrder } from './sorted-order.ts'

/**
 * Rows with a score, told apart by whether they are what the score is of; from the lowest score to the highest,
 * so that everything after the sort reads memory in its order.
 */
export interface RankedRows {
  readonly scores: Float64Array
  readonly isPositive: Uint8Array
  /** Where each row stands in the file. */
  readonly order: Uint32Array
}

export function rankRows(scores: Float64Array, isPositive: Uint8Array): RankedRows {
  const { sorted, order } = sortedWithOrder(scores)
  const ranked = new Uint8Array(order.length)
  for (let i = 0; i < order.length; i++) ranked[i] = isPositive[order[i]!]!
  return { scores: sorted, isPositive: ranked, order }
}

/**
 * Area under the ROC curve: how often a row that is it has a higher score than one that is not; ties count
 * half. NaN where one kind of row is missing (or has no weight).
 */
export function rankArea(rows: RankedRows, weights?: Float64Array): number {
  let below = 0
  let positive = 0
  let area = 0
  forEachTie(rows, weights, (tiedPositive, tiedNegative) => {
    area += tiedPositive * (below + tiedNegative / 2)
    below += tiedNegative
    positive += tiedPositive
  })
  return area / (positive * below)
}

/** Weights of the rows of each score, from the lowest. */
function forEachTie(
  { scores, isPositive, order }: RankedRows,
  weights: Float64Array | undefined,
  see: (positive: number, negative: number, start: number, end: number) => void,
): void {
  for (let start = 0, end = 0; start < scores.length; start = end) {
    const score = scores[start]!
    let positive = 0
    let negative = 0
    for (end = start; end < scores.length && scores[end] === score; end++) {
      const weight = weights === undefined ? 1 : weights[order[end]!]!
      if (isPositive[end] === 1) positive += weight
      else negative += weight
    }
    see(positive, negative, start, end)
  }
}

export interface AreaInfluence {
  readonly area: number
  /** How much each row pulls the area up or down; they add up to 0. */
  readonly influence: Float64Array
  /** Effective numbers of rows on both sides (Kish's, where weights differ). */
  readonly positives: number
  readonly negatives: number
}

/**
 * The area with what every row contributes: its placement among the rows of the other kind (DeLong, DeLong
 * and Clarke-Pearson 1988), less the area, times its share of its own kind.
 */
export function areaInfluence(rows: RankedRows, { weights }: Pick<Sampling, 'weights'>): AreaInfluence {
  const sides = countSides(rows, weights)
  const area = rankArea(rows, weights)
  const influence = new Float64Array(rows.scores.length)
  let below = 0
  let positiveBelow = 0
  forEachTie(rows, weights, (tiedPositive, tiedNegative, start, end) => {
    const ofPositive = (below + tiedNegative / 2) / sides.negative.sum - area
    const ofNegative = 1 - (positiveBelow + tiedPositive / 2) / sides.positive.sum - area
    for (let i = start; i < end; i++) {
      const row = rows.order[i]!
      const weight = weights === undefined ? 1 : weights[row]!
      influence[row] =
        rows.isPositive[i] === 1
          ? (weight * ofPositive) / sides.positive.sum
          : (weight * ofNegative) / sides.negative.sum
    }
    below += tiedNegative
    positiveBelow += tiedPositive
  })
  return { area, influence, positives: effective(sides.positive), negatives: effective(sides.negative) }
}

interface Side {
  sum: number
  squares: number
}

function countSides(
  { isPositive, order }: RankedRows,
  weights: Float64Array | undefined,
): { positive: Side; negative: Side } {
  const sides = { positive: { sum: 0, squares: 0 }, negative: { sum: 0, squares: 0 } }
  for (let i = 0; i < isPositive.length; i++) {
    const weight = weights === undefined ? 1 : weights[order[i]!]!
    const side = isPositive[i] === 1 ? sides.positive : sides.negative
    side.sum += weight
    side.squares += weight * weight
  }
  return sides
}

function effective({ sum, squares }: Side): number {
  return squares === 0 ? 0 : (sum * sum) / squares
}
