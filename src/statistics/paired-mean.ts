import { inferFromSums } from './additive-bootstrap.ts'
import { sumByGroup, type Sampling } from './additive.ts'
import type { Inference } from './inference.ts'
import { normalQuantile } from './normal.ts'

export interface PairedRows {
  /** One value per row for each model: 1 or 0 for right or wrong, or an error, a loss, a score. */
  readonly candidate: Float64Array
  readonly champion: Float64Array
  readonly sampling: Sampling
  readonly seed: number
}

/**
 * The (weighted) mean of candidate minus champion on the same rows: paired bootstrap over units (Efron and
 * Tibshirani 1993, chapter 8).
 *
 * Where few rows differ, the bootstrap alone is too sure: from rows that all agree it says "equal, give or
 * take nothing", even for three rows. So its ends are pulled out to those of Bonett and Price (2012), which
 * imagine two more rows, one lost and one won.
 */
export function inferPairedMean(rows: PairedRows): Inference {
  const { candidate, champion, sampling, seed } = rows
  const difference = candidate.map((value, i) => value - champion[i]!)
  const parts = [{ width: 1, values: difference }, { width: 1 }]
  const drawn = inferFromSums({ parts, of: (sums) => sums[0]! / sums[1]!, sampling, seed })
  const { mean, standardError } = withImaginaryRows(rows, difference)
  return {
    ...drawn,
    method: `paired ${drawn.method}`,
    atLeast: (confidence) => Math.min(drawn.atLeast(confidence), mean - normalQuantile(confidence) * standardError),
    atMost: (confidence) => Math.max(drawn.atMost(confidence), mean + normalQuantile(confidence) * standardError),
  }
}

/** Mean and standard error of the unit differences and two imaginary ones, +scale and -scale. */
function withImaginaryRows({ sampling, ...rows }: PairedRows, difference: Float64Array) {
  const units = sampling.units ?? { of: Uint32Array.from(difference.keys()), count: difference.length }
  const parts = [{ width: 1, values: difference }, { width: 1 }]
  const sums = sumByGroup(parts, difference.length, units, sampling.weights)
  let weight = 0
  let weightSquared = 0
  let sum = 0
  let squares = 0
  for (let u = 0; u < units.count; u++) {
    const own = sums[2 * u + 1]!
    if (own === 0) continue
    weight += own
    weightSquared += own * own
    sum += sums[2 * u]!
    squares += sums[2 * u]! ** 2 / own
  }
  // Unequal weights carry less information: n rows count as Kish's effective sample size.
  const count = weight ** 2 / weightSquared
  const scale = differenceScale(rows)
  const mean = (count * (sum / weight)) / (count + 2)
  const meanSquare = (count * (squares / weight) + 2 * scale * scale) / (count + 2)
  return { mean, standardError: Math.sqrt(Math.max(0, meanSquare - mean * mean) / (count + 2)) }
}

/**
 * What one row more might change. Of right and wrong answers: 1. Of numbers the largest difference seen; but two models
 * that agree on few rows are not known to agree on all, so no less than the values spread.
 */
function differenceScale({ candidate, champion }: Pick<PairedRows, 'candidate' | 'champion'>): number {
  let largest = 0
  let size = 0
  let areAnswers = true
  let sum = 0
  for (let i = 0; i < candidate.length; i++) {
    const one = candidate[i]!
    const other = champion[i]!
    largest = Math.max(largest, Math.abs(one - other))
    size = Math.max(size, Math.abs(one), Math.abs(other))
    areAnswers &&= (one === 0 || one === 1) && (other === 0 || other === 1)
    sum += one + other
  }
  if (areAnswers) return 1
  const mean = sum / (2 * candidate.length)
  let squares = 0
  for (let i = 0; i < candidate.length; i++) squares += (candidate[i]! - mean) ** 2 + (champion[i]! - mean) ** 2
  const scale = Math.max(largest, Math.sqrt(squares / (2 * candidate.length)))
  // All alike: as large as they are.
  return scale > 1e-12 * size ? scale : size
}
