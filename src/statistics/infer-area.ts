import type { Sampling } from './additive.ts'
import type { Inference } from './inference.ts'
import { normalQuantile } from './normal.ts'
import type { AreaInfluence } from './rank-area.ts'

/** One area, or the mean of those of several classes, each with its weight. */
export interface Areas {
  readonly of: readonly AreaInfluence[]
  /** Of each; they add up to 1. */
  readonly shares: readonly number[]
  /** One for each row: which of the areas count it as positive is the same for both models of a pair. */
  readonly isPositive?: Uint8Array
}

/** The area's interval by DeLong's variance; with units, the variance between units (Obuchowski 1997). */
export function inferArea(areas: Areas, sampling: Sampling): Inference {
  const { area, influence } = combined(areas)
  const variance = varianceOf(influence, areas, sampling) + imaginaryVariance(areas, area, sampling)
  return normalEnds(area, variance, 'DeLong', sampling, [0, 1])
}

/** Candidate minus champion: DeLong's test for two areas of the same rows. */
export function inferAreaDifference(candidate: Areas, champion: Areas, sampling: Sampling): Inference {
  const [one, other] = [combined(candidate), combined(champion)]
  const difference = one.influence.map((value, i) => value - other.influence[i]!)
  // Two models that agree on few rows are not known to agree on all: four imaginary rows, half a scale each.
  const variance = varianceOf(difference, candidate, sampling) + 2 * imaginaryVariance(candidate, 0.5, sampling)
  return normalEnds(one.area - other.area, variance, 'DeLong, paired', sampling, [-1, 1])
}

function combined({ of, shares }: Areas): { area: number; influence: Float64Array } {
  const [only] = of
  // Its share is 1: ten million numbers need no copy.
  if (of.length === 1 && only !== undefined) return only
  const influence = new Float64Array(of[0]?.influence.length ?? 0)
  let area = 0
  for (const [k, one] of of.entries()) {
    area += shares[k]! * one.area
    for (let i = 0; i < influence.length; i++) influence[i]! += shares[k]! * one.influence[i]!
  }
  return { area: of.length === 0 ? Number.NaN : area, influence }
}

/**
 * The variance of the sum of influences. Of one area each kind of row has its own correction m / (m - 1), which
 * makes it DeLong's estimate to the last digit; of several, and of units, it is one for all.
 */
export function varianceOf(influence: Float64Array, { of, isPositive }: Areas, { units }: Sampling): number {
  if (units !== undefined) return squaresByUnit(influence, units) * corrected(units.count)
  const [only] = of
  if (of.length !== 1 || only === undefined || isPositive === undefined) {
    return influence.reduce((sum, value) => sum + value * value, 0) * corrected(influence.length)
  }
  let positive = 0
  let negative = 0
  for (let i = 0; i < influence.length; i++) {
    if (isPositive[i] === 1) positive += influence[i]! ** 2
    else negative += influence[i]! ** 2
  }
  return positive * corrected(only.positives) + negative * corrected(only.negatives)
}

function squaresByUnit(influence: Float64Array, { of, count }: NonNullable<Sampling['units']>): number {
  const sums = new Float64Array(count)
  for (let i = 0; i < influence.length; i++) sums[of[i]!]! += influence[i]!
  return sums.reduce((sum, value) => sum + value * value, 0)
}

function corrected(count: number): number {
  return count > 1 ? count / (count - 1) : 1
}

/** Of one more row (unit) on each side that would move the area by `scale` over the rows (units) there. */
function imaginaryVariance({ of, shares }: Areas, scale: number, { rows, units }: Sampling): number {
  const independent = units === undefined ? 1 : units.count / rows
  return of.reduce((sum, { positives, negatives }, k) => {
    const moved = (side: number): number => ((shares[k]! * scale) / (side * independent + 1)) ** 2
    return sum + moved(positives) + moved(negatives)
  }, 0)
}

function normalEnds(
  estimate: number,
  variance: number,
  method: string,
  { rows, units }: Sampling,
  [least, most]: readonly [number, number],
): Inference {
  const deviation = Math.sqrt(variance)
  return {
    estimate,
    method: units === undefined ? method : `${method}, by unit`,
    units: units?.count ?? rows,
    atLeast: (confidence) => Math.max(least, estimate - normalQuantile(confidence) * deviation),
    atMost: (confidence) => Math.min(most, estimate + normalQuantile(confidence) * deviation),
  }
}
