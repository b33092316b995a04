import { betaCdf } from './beta.ts'

/** P(X ≤ k) for X the number of successes in n trials of probability p. */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0
  return k >= n ? 1 : betaCdf(1 - p, n - k, k + 1)
}

/** P(X ≥ k): the tail is computed as such, so that 1e-30 does not become 0. */
export function binomialTail(k: number, n: number, p: number): number {
  if (k <= 0) return 1
  return k > n ? 0 : betaCdf(p, k, n - k + 1)
}
