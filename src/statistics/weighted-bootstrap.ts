import { inferFromSums } from './additive-bootstrap.ts'
import type { Part, Sampling } from './additive.ts'
import { bootstrapInference } from './bootstrap-inference.ts'
import type { Inference } from './inference.ts'
import { drawRowWeights, MOST_DRAWN_ROWS, resamplesFor } from './row-bootstrap.ts'

/** A number that no sums give, such as a median: a function of how much each row counts. */
export interface WeightedProblem {
  readonly of: (weights?: Float64Array) => number
  /** Nearly the same number of sums over rows, for more rows than can be drawn. */
  readonly binned: () => { readonly parts: readonly Part[]; readonly of: (sums: Float64Array) => number }
  readonly sampling: Sampling
  readonly seed: number
  readonly range?: readonly [number, number]
}

/**
 * The estimate is exact for any number of rows. Its ends come from rows drawn up to 100,000, beyond that
 * from the binned number: how far that spreads is taken, not where it lies.
 */
export function inferFromWeights(problem: WeightedProblem): Inference {
  const { sampling, of, seed, range } = problem
  const estimate = of(sampling.weights)
  if (sampling.rows > MOST_DRAWN_ROWS && !Number.isNaN(estimate)) return fromBins(problem, estimate)
  const values = new Float64Array(Number.isNaN(estimate) ? 0 : resamplesFor(sampling.rows))
  drawRowWeights(sampling, seed, values.length, (weights, i) => (values[i] = of(weights)))
  return bootstrapInference({
    estimate,
    values,
    units: sampling.units?.count ?? sampling.rows,
    method: sampling.units === undefined ? 'bootstrap of rows' : 'bootstrap of units',
    ...(range === undefined ? {} : { range }),
  })
}

function fromBins(
  { binned, sampling, seed, range = [-Infinity, Infinity] }: WeightedProblem,
  exact: number,
): Inference {
  const inference = inferFromSums({ ...binned(), sampling, seed })
  const shift = exact - inference.estimate
  const clip = (value: number): number => Math.min(range[1], Math.max(range[0], value + shift))
  return {
    estimate: exact,
    method: `${inference.method}, binned`,
    units: inference.units,
    atLeast: (confidence) => clip(inference.atLeast(confidence)),
    atMost: (confidence) => clip(inference.atMost(confidence)),
  }
}
