import { errorOfBelow, type Inference } from '../statistics/inference.ts'
import { smallestMargin, USUAL_POWER } from '../statistics/smallest-margin.ts'
import { normalQuantile } from '../statistics/normal.ts'
import type { GateSpec } from '../pipeline/pipeline.ts'
import { compareModels, describeComparison, type Comparison } from './compare-models.ts'
import { decideSlices, type SliceFinding } from './decide-slices.ts'
import { inconclusive, percent, shown, type GateVerdict } from './gate-verdict.ts'
import type { GateRows } from './gate-rows.ts'

type AgainstChampion = Extract<GateSpec, { kind: 'champion' }>

/**
 * Not worse than the champion by more than the margin: pass when that holds with the gate's confidence, fail
 * when with the same confidence it does not, else inconclusive. No rule of thumb decides in between: that the
 * rows cannot tell is the answer, and a person's to weigh.
 */
export function decideAgainstChampion(gate: AgainstChampion, rows: GateRows): GateVerdict {
  const { champion } = rows
  if (champion === undefined)
    return {
      outcome: 'not-applicable',
      summary: rows.noChampion ?? 'there is no champion yet to compare with',
      evidence: {},
    }
  if ('failed' in champion)
    return inconclusive(`the champion (version ${champion.version}) could not be evaluated: ${champion.failed}`)
  const metric = rows.find(gate.metric)
  if (metric === undefined) return inconclusive(`${gate.metric} is not known for these rows`)
  const { slice } = gate
  if (slice === undefined) return judge(gate, compareModels(metric, rows.candidate, champion.rows)).verdict
  const { values, rare } = rows.slice(slice)
  const cases = values.map(({ value, count, places }) => ({
    value,
    rows: count,
    find: () => {
      const at = places()
      return judge(gate, compareModels(metric, rows.pick(rows.candidate, at), rows.pick(champion.rows, at)))
    },
  }))
  return decideSlices(gate, 1 - gate.confidence, { cases, rare })
}

function judge(gate: AgainstChampion, comparison: Comparison | string): SliceFinding {
  if (typeof comparison === 'string')
    return { verdict: inconclusive(`${gate.metric} cannot be compared: ${comparison}`), error: 1 }
  const { margin, confidence } = gate
  const { advantage } = comparison
  const outcome =
    advantage.atLeast(confidence) >= -margin ? 'pass' : advantage.atMost(confidence) < -margin ? 'fail' : 'inconclusive'
  const supported = supportedMargin(comparison, confidence)
  return {
    verdict: {
      outcome,
      summary: sentence(gate, comparison, outcome, supported),
      evidence: { ...describeComparison(comparison, confidence), margin, smallestMargin: supported },
    },
    error: errorOfBelow(advantage, -margin),
  }
}

/**
 * The smallest margin at which a candidate as good as the champion would pass such a gate four times of five: from
 * the discordant rows where they decide, else from how far the one-sided end is from the estimate. Null: unknown.
 */
function supportedMargin({ advantage, pairs }: Comparison, confidence: number): number | null {
  if (pairs !== undefined) {
    // One more of each: that no row differed does not say that none ever will.
    const discordance = Math.min(1, (pairs.candidateOnly + pairs.championOnly + 2) / (pairs.rows + 2))
    return smallestMargin({ rows: pairs.rows, confidence, discordance })
  }
  return fromDistance(advantage, confidence)
}

function fromDistance({ estimate, atLeast }: Inference, confidence: number): number | null {
  const distance = estimate - atLeast(confidence)
  const margin = distance * (1 + normalQuantile(USUAL_POWER) / normalQuantile(confidence))
  return Number.isFinite(margin) ? margin : null
}

function sentence(gate: AgainstChampion, comparison: Comparison, outcome: string, supported: number | null): string {
  const { candidate, champion, advantage } = comparison
  const { low, high, rows } = describeComparison(comparison, gate.confidence)
  const better = advantage.estimate
  const direction = better < 0 ? `worse by ${shown(-better)}` : better > 0 ? `better by ${shown(better)}` : 'equal'
  const values = `${gate.metric} ${shown(candidate)} against the champion's ${shown(champion)}`
  const range =
    low === null || high === null ? 'no interval' : `${percent(gate.confidence)} interval ${advantageRange(low, high)}`
  const doubt = outcome === 'inconclusive' ? tooFew(gate, rows, supported) : ''
  return `${values}: ${direction} (${range}), margin ${gate.margin}${doubt}`
}

function tooFew({ margin }: AgainstChampion, rows: number, supported: number | null): string {
  const support =
    supported === null || supported <= margin ? '' : `; they support a margin of ${upwards(supported)} or more`
  return `; ${rows} rows are too few to tell${support}`
}

/** Two digits, and never less than it is. */
function upwards(value: number): string {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1)
  return String(Number((Math.ceil(value / unit) * unit).toPrecision(2)))
}

function advantageRange(low: number, high: number): string {
  if (high <= 0) return `${shown(-high)} to ${shown(-low)} worse`
  return low >= 0 ? `${shown(low)} to ${shown(high)} better` : `${shown(-low)} worse to ${shown(high)} better`
}
