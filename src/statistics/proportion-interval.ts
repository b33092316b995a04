import { betaQuantile } from './beta.ts'
import { normalQuantile } from './normal.ts'

export interface Proportion {
  readonly successes: number
  readonly trials: number
  /** 0.95, say. */
  readonly confidence: number
}

export interface Range {
  readonly low: number
  readonly high: number
}

/**
 * Exact two-sided interval (Clopper and Pearson 1934): covers the true share with at least `confidence`,
 * whatever it is. With no trials it is [0, 1].
 */
export function exactInterval({ successes, trials, confidence }: Proportion): Range {
  const each = (1 + confidence) / 2
  return {
    low: exactLower({ successes, trials, confidence: each }),
    high: exactUpper({ successes, trials, confidence: each }),
  }
}

/** The share is at least this, with `confidence` (one-sided). */
export function exactLower({ successes, trials, confidence }: Proportion): number {
  return successes === 0 ? 0 : betaQuantile(1 - confidence, successes, trials - successes + 1)
}

/** The share is at most this, with `confidence` (one-sided). */
export function exactUpper({ successes, trials, confidence }: Proportion): number {
  return successes === trials ? 1 : betaQuantile(confidence, successes + 1, trials - successes)
}

/** Wilson's score interval (1927), two-sided: narrower than the exact one, right on average; for display. */
export function wilsonInterval({ successes, trials, confidence }: Proportion): Range {
  if (trials === 0) return { low: 0, high: 1 }
  const z = normalQuantile((1 + confidence) / 2)
  const share = successes / trials
  const shrink = 1 + (z * z) / trials
  const centre = (share + (z * z) / (2 * trials)) / shrink
  const half = (z / shrink) * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials))
  return { low: successes === 0 ? 0 : centre - half, high: successes === trials ? 1 : centre + half }
}
