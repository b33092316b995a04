import { type DriftDistances, driftDistances } from './drift-distance.ts'
import { type DriftTest, driftTest } from './drift-test.ts'
import { benjaminiHochberg } from './multiple-testing.ts'

export interface DriftRule {
  /** False alarms per look over all features together, when nothing has changed. Default 0.01. */
  readonly alpha?: number
  /** Smallest debiased PSI that is worth an alarm. Default 0.25; 0.1 is a visible, mild change. */
  readonly minimumEffect?: number
  /** In each of reference and current. Default 300. */
  readonly minimumRows?: number
}

export const DRIFT_DEFAULTS = {
  alpha: 0.01,
  minimumEffect: 0.25,
  minimumRows: 300,
} as const satisfies Required<DriftRule>

/** Counts of one feature in the same bins; the last ones may be null, NaN or "other". */
export interface BinCounts {
  readonly reference: readonly number[]
  readonly current: readonly number[]
}

export interface DriftDecision {
  readonly outcome: 'drift' | 'no-drift' | 'too-few-rows'
  /** Chi-square. */
  readonly statistic: number
  readonly degreesOfFreedom: number
  readonly pValue: number
  /** `pValue`, corrected for the number of features that were looked at. */
  readonly adjustedPValue: number
  /** Debiased PSI. */
  readonly effect: number
  readonly distances: DriftDistances
  readonly referenceRows: number
  readonly currentRows: number
}

export interface FeatureDrift {
  readonly outcome: DriftDecision['outcome']
  /** Names of the drifted features, largest effect first. */
  readonly drifted: readonly string[]
  readonly features: Readonly<Record<string, DriftDecision>>
}

/**
 * Has one feature drifted? Only if the change is both significant for these numbers of rows and large
 * enough to matter: a fixed threshold on a distance alone raises 17 to 99 % false alarms on small windows,
 * and significance alone reports trifles on large ones.
 */
export function decideDrift(counts: BinCounts, rule: DriftRule = {}): DriftDecision {
  return decideFeatureDrift({ feature: counts }, rule).features['feature']!
}

/** The same for many features at once, corrected by Benjamini and Hochberg over those with enough rows. */
export function decideFeatureDrift(features: Readonly<Record<string, BinCounts>>, rule: DriftRule = {}): FeatureDrift {
  const { alpha, minimumEffect, minimumRows } = { ...DRIFT_DEFAULTS, ...rule }
  const looks = Object.entries(features).map(([name, counts]) => look(name, counts, minimumRows))
  const adjusted = benjaminiHochberg(looks.filter(({ isEnough }) => isEnough).map(({ test }) => test.pValue))
  const decisions: Record<string, DriftDecision> = {}
  for (const seen of looks) {
    const adjustedPValue = seen.isEnough ? adjusted.shift()! : 1
    const isDrift = adjustedPValue <= alpha && seen.distances.debiasedPsi >= minimumEffect
    decisions[seen.name] = decision(seen, adjustedPValue, isDrift)
  }
  return summarize(decisions)
}

interface Look {
  readonly name: string
  readonly referenceRows: number
  readonly currentRows: number
  readonly test: DriftTest
  readonly distances: DriftDistances
  readonly isEnough: boolean
}

function look(name: string, { reference, current }: BinCounts, minimumRows: number): Look {
  const referenceRows = total(reference)
  const currentRows = total(current)
  const test = driftTest(reference, current)
  // Where most rows are in bins too thin to test (a column of identifiers), more rows are needed.
  const isEnough = Math.min(referenceRows, currentRows) >= minimumRows && test.pooledShare <= 0.5
  return { name, referenceRows, currentRows, test, distances: driftDistances(reference, current), isEnough }
}

function decision(seen: Look, adjustedPValue: number, isDrift: boolean): DriftDecision {
  return {
    outcome: seen.isEnough ? (isDrift ? 'drift' : 'no-drift') : 'too-few-rows',
    statistic: seen.test.statistic,
    degreesOfFreedom: seen.test.degreesOfFreedom,
    pValue: seen.test.pValue,
    adjustedPValue,
    effect: seen.distances.debiasedPsi,
    distances: seen.distances,
    referenceRows: seen.referenceRows,
    currentRows: seen.currentRows,
  }
}

function summarize(features: Record<string, DriftDecision>): FeatureDrift {
  const all = Object.entries(features)
  const drifted = all.filter(([, { outcome }]) => outcome === 'drift').sort(([, a], [, b]) => b.effect - a.effect)
  const isBlind = all.every(([, { outcome }]) => outcome === 'too-few-rows')
  const outcome = drifted.length > 0 ? 'drift' : isBlind ? 'too-few-rows' : 'no-drift'
  return { outcome, drifted: drifted.map(([name]) => name), features }
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
