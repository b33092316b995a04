import { logBeta } from './beta.ts'
import type { Range } from './proportion-interval.ts'

/**
 * Interval for a rate from `bad` of `total` that holds at all times at once: it may be looked at after every
 * request. The set {p : B(k+½, n-k+½) / B(½, ½) / (p^k (1-p)^(n-k)) < 1/alpha} (Robbins 1970, with a
 * Beta(½, ½) mixture).
 */
export function rateSequence(bad: number, total: number, alpha: number): Range {
  if (total === 0) return { low: 0, high: 1 }
  const isInside = (rate: number): boolean => logEvidence(bad, total, rate) < -Math.log(alpha)
  const centre = bad / total
  return { low: bad === 0 ? 0 : boundary(centre, 0, isInside), high: bad === total ? 1 : boundary(centre, 1, isInside) }
}

export interface RateGuard {
  readonly bad: number
  readonly total: number
  /** The rate must stay below this. */
  readonly limit: number
  /** Probability of ever rolling back a rate at or below the limit. */
  readonly alpha: number
}

/**
 * The guard for an absolute limit, and for weight 100 %, where nothing is left to compare with: roll back
 * when the rate is surely above the limit; `within` when it is surely below.
 */
export function guardRate({ bad, total, limit, alpha }: RateGuard): {
  decision: 'roll-back' | 'within' | 'go-on'
  rate: Range
} {
  const rate = rateSequence(bad, total, alpha)
  if (rate.low > limit) return { decision: 'roll-back', rate }
  return { decision: rate.high < limit ? 'within' : 'go-on', rate }
}

function logEvidence(bad: number, total: number, rate: number): number {
  const likelihood = xlog(bad, rate) + xlog(total - bad, 1 - rate)
  return logBeta(bad + 0.5, total - bad + 0.5) - logBeta(0.5, 0.5) - likelihood
}

function xlog(count: number, share: number): number {
  return count === 0 ? 0 : count * Math.log(share)
}

function boundary(inside: number, outside: number, isInside: (rate: number) => boolean): number {
  let near = inside
  let far = outside
  for (let i = 0; i < 60; i++) {
    const middle = (near + far) / 2
    if (isInside(middle)) near = middle
    else far = middle
  }
  return far
}
