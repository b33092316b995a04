import { betaQuantile } from './beta.ts'

/** The x with P(T ≤ x) = p of Student's distribution; ±Infinity at 1 and 0. */
export function studentQuantile(p: number, degrees: number): number {
  if (p <= 0) return -Infinity
  if (p > 0.5) return -studentQuantile(1 - p, degrees)
  const share = betaQuantile(2 * p, degrees / 2, 0.5)
  return -Math.sqrt(degrees * (1 / share - 1))
}
