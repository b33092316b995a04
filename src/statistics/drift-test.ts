import { chiSquareTail } from './chi-square.ts'

export interface DriftTest {
  readonly statistic: number
  readonly degreesOfFreedom: number
  readonly pValue: number
  /** Share of all rows that had to be pooled, being in bins too thin to be tested alone. */
  readonly pooledShare: number
}

/** Below this expected count the chi-square approximation is not believed (Cochran 1954). */
const LEAST_EXPECTED = 5

/**
 * Do reference and current come from one distribution? Two-sample chi-square test of homogeneity on counts
 * in the same bins. Both samples vary: treating the reference as exact, as is often done, turns 5 % false
 * alarms into 27 to 75 %. Thin bins are pooled. Assumes independent rows.
 */
export function driftTest(reference: readonly number[], current: readonly number[]): DriftTest {
  const n = total(reference)
  const m = total(current)
  const { bins, pooledShare } = poolThinBins(reference, current, Math.min(n, m) / (n + m))
  let statistic = 0
  for (const [inReference, inCurrent] of bins) {
    const both = inReference + inCurrent
    // The two cells of a bin deviate by the same amount, in opposite directions.
    const deviation = inCurrent - (both * m) / (n + m)
    statistic += ((deviation * deviation * (n + m)) / both) * ((n + m) / (n * m))
  }
  const degreesOfFreedom = Math.max(0, bins.length - 1)
  return { statistic, degreesOfFreedom, pValue: chiSquareTail(statistic, degreesOfFreedom), pooledShare }
}

type Bin = [inReference: number, inCurrent: number]

function poolThinBins(
  reference: readonly number[],
  current: readonly number[],
  smallerShare: number,
): { bins: Bin[]; pooledShare: number } {
  const isThin = ([one, other]: Bin): boolean => (one + other) * smallerShare < LEAST_EXPECTED
  const filled = reference.map((count, i): Bin => [count, current[i]!]).filter(([one, other]) => one + other > 0)
  const bins = filled.filter((bin) => !isThin(bin))
  const thin = filled.filter(isThin)
  const pool: Bin = [total(thin.map(([one]) => one)), total(thin.map(([, other]) => other))]
  if (thin.length > 0) addPool(bins, pool, isThin(pool))
  return { bins, pooledShare: (pool[0] + pool[1]) / (total(reference) + total(current)) }
}

function addPool(bins: Bin[], pool: Bin, isThin: boolean): void {
  if (!isThin || bins.length === 0) {
    bins.push(pool)
    return
  }
  const smallest = bins.reduce((least, bin) => (bin[0] + bin[1] < least[0] + least[1] ? bin : least))
  smallest[0] += pool[0]
  smallest[1] += pool[1]
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
