/**
 * Distances between two distributions, from counts in the same bins. None of them says by itself that
 * something changed: with few rows they are large without any change (see `driftTest`).
 */
export interface DriftDistances {
  /** Population stability index, Σ (p - q) ln(p / q). */
  readonly psi: number
  /** PSI less what it would be on average without any change, (B - 1)(1/n + 1/m); not below 0. */
  readonly debiasedPsi: number
  /** Jensen-Shannon distance: the square root of the divergence to base 2, from 0 to 1. */
  readonly jensenShannon: number
  /** √(1 - Σ √(pq)), from 0 to 1. */
  readonly hellinger: number
  /** Largest difference of the cumulated shares; meaningful where bins have an order. */
  readonly kolmogorovSmirnov: number
  /** ½ Σ |p - q|: the share of rows that would have to move. */
  readonly totalVariation: number
}

export function driftDistances(reference: readonly number[], current: readonly number[]): DriftDistances {
  const n = total(reference)
  const m = total(current)
  const psi = stabilityIndex(reference, current, n, m)
  const bins = reference.filter((count, i) => count + current[i]! > 0).length
  let divergence = 0
  let affinity = 0
  let moved = 0
  let gap = 0
  let widest = 0
  for (let i = 0; i < reference.length; i++) {
    const p = reference[i]! / n
    const q = current[i]! / m
    divergence += (entropyTerm(p, (p + q) / 2) + entropyTerm(q, (p + q) / 2)) / 2
    affinity += Math.sqrt(p * q)
    moved += Math.abs(p - q) / 2
    gap += p - q
    widest = Math.max(widest, Math.abs(gap))
  }
  return {
    psi,
    debiasedPsi: Math.max(0, psi - (bins - 1) * (1 / n + 1 / m)),
    jensenShannon: Math.sqrt(Math.max(0, divergence)),
    hellinger: Math.sqrt(Math.max(0, 1 - affinity)),
    kolmogorovSmirnov: widest,
    totalVariation: moved,
  }
}

// An empty bin counts as half a row. A fixed floor (others take 0.0001) would make the index depend on the
// floor more than on the data.
function stabilityIndex(reference: readonly number[], current: readonly number[], n: number, m: number): number {
  let sum = 0
  for (let i = 0; i < reference.length; i++) {
    if (reference[i] === 0 && current[i] === 0) continue
    const p = Math.max(reference[i]!, 0.5) / n
    const q = Math.max(current[i]!, 0.5) / m
    sum += (p - q) * Math.log(p / q)
  }
  return sum
}

function entropyTerm(share: number, middle: number): number {
  return share === 0 ? 0 : share * Math.log2(share / middle)
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
