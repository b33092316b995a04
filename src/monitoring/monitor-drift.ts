import {
  type BinCounts,
  decideFeatureDrift,
  DRIFT_DEFAULTS,
  type DriftDecision,
  type DriftRule,
} from '../statistics/decide-drift.ts'
import { allCounts } from './count-columns.ts'
import { type MonitorFinding, nameSome } from './monitor-finding.ts'
import type { ReferenceProfile, WindowProfile } from './reference-profile.ts'

export interface DriftMonitorRule extends DriftRule {
  readonly features: 'all' | readonly string[]
}

/** How many features the evidence lists in full; of the others it has the count. */
const MOST_LISTED = 50

/**
 * Do the inputs of this window look like the reference? Trouble is a change that is both significant for
 * these numbers of rows, corrected for the number of features, and large (`decideFeatureDrift`). Assumes that
 * rows are independent: the same few rows sent again and again look like drift, and are.
 */
export function judgeDrift(reference: ReferenceProfile, window: WindowProfile, rule: DriftMonitorRule): MonitorFinding {
  const pairs = pairCounts(reference, window, rule.features)
  const found = decideFeatureDrift(pairs, rule)
  const watched = Object.keys(pairs).length
  const evidence = {
    referenceRows: reference.rows,
    currentRows: window.rows,
    rule: { ...DRIFT_DEFAULTS, ...rule },
    watched,
    drifted: found.drifted,
    unlogged: window.unlogged,
    features: listFeatures(found.features),
  }
  if (watched === 0)
    return { state: 'too-few-rows', summary: 'No input column is logged, so drift cannot be seen.', evidence }
  switch (found.outcome) {
    case 'too-few-rows':
      return { state: 'too-few-rows', summary: tooFew(reference, window, rule), evidence }
    case 'no-drift':
      return { state: 'ok', summary: `${count(watched)} looked at in ${window.rows} rows: no drift.`, evidence }
    case 'drift':
      return { state: 'trouble', summary: driftSentence(found.drifted, found.features, watched, window), evidence }
  }
}

function pairCounts(
  reference: ReferenceProfile,
  window: WindowProfile,
  features: DriftMonitorRule['features'],
): Record<string, BinCounts> {
  const pairs: Record<string, BinCounts> = {}
  for (const [name, current] of Object.entries(window.columns)) {
    const column = reference.columns[name]
    if (column === undefined || column.kind === 'unsupported') continue
    if (features === 'all' || features.includes(name))
      pairs[name] = { reference: allCounts(column), current: allCounts(current) }
  }
  return pairs
}

function listFeatures(features: Readonly<Record<string, DriftDecision>>): Record<string, unknown>[] {
  return Object.entries(features)
    .sort(([, a], [, b]) => b.effect - a.effect)
    .slice(0, MOST_LISTED)
    .map(([name, { distances, ...decision }]) => ({
      name,
      ...decision,
      kolmogorovSmirnov: distances.kolmogorovSmirnov,
      psi: distances.psi,
    }))
}

function tooFew(reference: ReferenceProfile, window: WindowProfile, rule: DriftMonitorRule): string {
  const needed = rule.minimumRows ?? DRIFT_DEFAULTS.minimumRows
  return `${window.rows} rows against ${reference.rows} of the reference: too few to say (${needed} of each are needed).`
}

function driftSentence(
  drifted: readonly string[],
  features: Readonly<Record<string, DriftDecision>>,
  watched: number,
  window: WindowProfile,
): string {
  const worst = features[drifted[0]!]!
  const largest = `PSI ${worst.effect.toFixed(2)}, p ${worst.adjustedPValue < 1e-4 ? '< 0.0001' : `= ${worst.adjustedPValue.toFixed(4)}`}`
  return `${drifted.length} of ${count(watched)} drifted in ${window.rows} rows: ${nameSome(drifted)} (largest: ${largest}).`
}

function count(features: number): string {
  return features === 1 ? '1 feature' : `${features} features`
}
