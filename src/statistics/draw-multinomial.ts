import { drawBinomial } from './draw-binomial.ts'
import type { SeededRandom } from './random.ts'

/**
 * Draws as many rows as there are, with replacement, from rows counted by cell: what a bootstrap of the rows
 * would count, at the cost of the cells. Ten million rows in nine cells take as long as ninety rows.
 */
export function drawMultinomial(random: SeededRandom, counts: Float64Array, out: Float64Array): void {
  let left = 0
  for (let cell = 0; cell < counts.length; cell++) left += counts[cell]!
  let mass = left
  for (let cell = 0; cell < counts.length; cell++) {
    const count = counts[cell]!
    const drawn = count >= mass ? left : drawBinomial(random, left, count / mass)
    out[cell] = drawn
    left -= drawn
    mass -= count
  }
}
