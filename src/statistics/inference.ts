import type { Range } from './proportion-interval.ts'

/** What rows say of a number that they only sample: the estimate, and how far off it may be. */
export interface Inference {
  readonly estimate: number
  /** How the ends are found, in words for people: `exact`, `bootstrap of rows`. */
  readonly method: string
  /** What was sampled independently: rows, or units where rows belong together. */
  readonly units: number
  /** One-sided: with `confidence` the true value is at least, and at most, this. */
  readonly atLeast: (confidence: number) => number
  readonly atMost: (confidence: number) => number
}

/** The two-sided interval: half of the error on each side. */
export function intervalOf(inference: Inference, confidence: number): Range {
  const each = (1 + confidence) / 2
  return { low: inference.atLeast(each), high: inference.atMost(each) }
}

/** The same of minus the number: for metrics of which less is better. */
export function negated({ estimate, method, units, ...ends }: Inference): Inference {
  return {
    estimate: -estimate,
    method,
    units,
    atLeast: (confidence) => -ends.atMost(confidence),
    atMost: (confidence) => -ends.atLeast(confidence),
  }
}

/** Beyond this no method here is trusted to tell errors apart. */
const LEAST_ERROR = 1e-6

/**
 * The least error with which one may say "the true value is below `bound`": a one-sided p-value, found by
 * asking the upper end at ever higher confidence. 1 when the estimate is not even below it.
 */
export function errorOfBelow(inference: Inference, bound: number): number {
  if (!(inference.estimate < bound)) return 1
  let wrong = LEAST_ERROR
  let right = 0.5
  if (inference.atMost(1 - wrong) < bound) return wrong
  if (!(inference.atMost(1 - right) < bound)) return right
  for (let i = 0; i < 40 && right / wrong > 1.0001; i++) {
    const middle = Math.sqrt(wrong * right)
    if (inference.atMost(1 - middle) < bound) right = middle
    else wrong = middle
  }
  return right
}

/** The same for "the true value is above `bound`". */
export function errorOfAbove(inference: Inference, bound: number): number {
  return errorOfBelow(negated(inference), -bound)
}
