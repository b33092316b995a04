import { errorOfAbove, errorOfBelow, intervalOf, type Inference } from '../statistics/inference.ts'
import type { Sampling } from '../statistics/additive.ts'
import type { GateSpec } from '../pipeline/pipeline.ts'
import { decideSlices, type SliceFinding } from './decide-slices.ts'
import { inconclusive, percent, shown, type GateVerdict } from './gate-verdict.ts'
import type { GateRows } from './gate-rows.ts'
import { inferMetric } from './infer-metric.ts'
import type { JudgedRows } from './judged-rows.ts'
import { SHOWN_CONFIDENCE } from './measure.ts'
import type { Metric } from './metrics.ts'
import { reasonAgainst, whyUndefined } from './why-undefined.ts'

type Absolute = Extract<GateSpec, { kind: 'absolute' }>

/**
 * A bound on the candidate's own metric.
 *
 * - Without `confidence` the bound is held against the measured value: the author chose it for a number of
 *   this size on these rows. The interval is shown, not used.
 * - With `confidence` the true value must be beyond the bound, with that confidence: fail when it surely is
 *   not, else inconclusive.
 * - Per slice without `confidence`: pass when every measured value holds; fail when one surely does not
 *   (95 %, Holm over the values); a value that only looks too low is inconclusive.
 */
export function decideAbsolute(gate: Absolute, rows: GateRows): GateVerdict {
  const metric = rows.find(gate.metric)
  if (metric === undefined) return inconclusive(`${gate.metric} is not known for these rows`)
  const { slice } = gate
  if (slice === undefined) return holdAgainst(gate, metric, rows.candidate).verdict
  const error = 1 - (gate.confidence ?? SHOWN_CONFIDENCE)
  const { values, rare } = rows.slice(slice)
  const cases = values.map(({ value, count, places }) => ({
    value,
    rows: count,
    find: () => holdAgainst(gate, metric, rows.pick(rows.candidate, places())),
  }))
  return decideSlices(gate, error, { cases, rare })
}

function holdAgainst(gate: Absolute, metric: Metric, rows: JudgedRows): SliceFinding {
  const against = reasonAgainst(metric, rows)
  if (against !== undefined) return nothing(gate, against)
  const inference = inferMetric(metric, rows)
  if (!Number.isFinite(inference.estimate)) return nothing(gate, whyUndefined(metric, rows))
  const { min, max, confidence } = gate
  const error = Math.min(
    1,
    min === undefined ? 1 : errorOfBelow(inference, min),
    max === undefined ? 1 : errorOfAbove(inference, max),
  )
  const outcome = confidence === undefined ? measured(gate, inference.estimate) : proved(gate, inference, confidence)
  return { verdict: { outcome, ...tell(gate, inference, rows) }, error }
}

function nothing(gate: Absolute, why: string): SliceFinding {
  return { verdict: inconclusive(`${gate.metric} cannot be computed: ${why}`), error: 1 }
}

function measured({ min = -Infinity, max = Infinity }: Absolute, value: number): 'pass' | 'fail' {
  return value < min || value > max ? 'fail' : 'pass'
}

function proved({ min = -Infinity, max = Infinity }: Absolute, inference: Inference, confidence: number) {
  if (inference.atLeast(confidence) >= min && inference.atMost(confidence) <= max) return 'pass'
  return inference.atMost(confidence) < min || inference.atLeast(confidence) > max ? 'fail' : 'inconclusive'
}

/** Recall is a share of the rows of one class: those are what its interval knows. */
function rowsOf({ units }: Inference, sampling: Sampling): string {
  const isFewer = sampling.units === undefined && units < sampling.rows
  return isFewer ? `${units} of ${sampling.rows}` : String(sampling.rows)
}

function tell(
  gate: Absolute,
  inference: Inference,
  { sampling }: JudgedRows,
): Pick<GateVerdict, 'summary' | 'evidence'> {
  const { min, max, confidence } = gate
  const value = inference.estimate
  const { low, high } = intervalOf(inference, confidence ?? SHOWN_CONFIDENCE)
  const known = Number.isFinite(low) && Number.isFinite(high)
  const bounds = [...(min === undefined ? [] : [`at least ${min}`]), ...(max === undefined ? [] : [`at most ${max}`])]
  const range = known ? ` (${percent(confidence ?? SHOWN_CONFIDENCE)} interval ${shown(low)} to ${shown(high)})` : ''
  const sure = confidence === undefined ? '' : ` with ${percent(confidence)} confidence`
  return {
    summary: `${gate.metric} ${shown(value)}${range} on ${rowsOf(inference, sampling)} rows, ${bounds.join(' and ')} wanted${sure}`,
    evidence: {
      value,
      low: known ? low : null,
      high: known ? high : null,
      method: inference.method,
      rows: sampling.units === undefined ? inference.units : sampling.rows,
      ...(sampling.units === undefined ? {} : { units: sampling.units.count }),
      min: min ?? null,
      max: max ?? null,
      ...(confidence === undefined ? {} : { confidence }),
    },
  }
}
