/** P-values times their number, at most 1: the chance of even one false alarm stays below the level. */
export function bonferroni(pValues: readonly number[]): number[] {
  return pValues.map((p) => Math.min(1, p * pValues.length))
}

/**
 * Adjusted p-values of Benjamini and Hochberg (1995): of those at or below the level, on average at most
 * that share is false; where nothing is true at all, the chance of even one alarm stays below the level.
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const count = pValues.length
  const descending = pValues.map((p, index) => ({ p, index })).sort((a, b) => b.p - a.p)
  const adjusted = Array.from(pValues)
  let smallest = 1
  for (const [i, { p, index }] of descending.entries()) {
    smallest = Math.min(smallest, (p * count) / (count - i))
    adjusted[index] = smallest
  }
  return adjusted
}

/**
 * Adjusted p-values of Holm (1979): of those at or below the level, the chance that even one is false stays
 * below the level, however the tests depend on one another. Never weaker than Bonferroni's.
 */
export function holm(pValues: readonly number[]): number[] {
  const count = pValues.length
  const ascending = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p)
  const adjusted = Array.from(pValues)
  let largest = 0
  for (const [i, { p, index }] of ascending.entries()) {
    largest = Math.max(largest, Math.min(1, p * (count - i)))
    adjusted[index] = largest
  }
  return adjusted
}
