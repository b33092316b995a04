import type { Inference } from './inference.ts'
import { exactLower, exactUpper } from './proportion-interval.ts'

/** A share of rows, with the exact ends of Clopper and Pearson: at least the stated confidence, whatever it is. */
export function inferShare(successes: number, trials: number): Inference {
  return {
    estimate: trials === 0 ? Number.NaN : successes / trials,
    method: 'exact (Clopper and Pearson)',
    units: trials,
    atLeast: (confidence) => exactLower({ successes, trials, confidence }),
    atMost: (confidence) => exactUpper({ successes, trials, confidence }),
  }
}
