import { assertNever } from '../lib/assert-never.ts'
import type { GateSpec } from '../pipeline/pipeline.ts'
import { compareModels, type Comparison } from './compare-models.ts'
import type { EvaluationResult, Measures, RowOutcomes } from './evaluation-result.ts'
import { pickRows } from './judged-rows.ts'
import { placesOf, rowsOf } from './judge-answers.ts'
import type { Measure } from './measure.ts'
import { findMetric } from './metrics.ts'

export type GateOutcome = 'pass' | 'fail' | 'inconclusive' | 'not-applicable'

export interface GateVerdict {
  readonly outcome: GateOutcome
  /** One sentence with the numbers, for people. */
  readonly summary: string
  /** The numbers themselves: plain JSON. */
  readonly evidence: Readonly<Record<string, unknown>>
}

export interface GateEvidence {
  /** Absent: nothing was evaluated. */
  readonly result?: EvaluationResult
  readonly outcomes?: RowOutcomes
}

/**
 * What a gate says of what was measured.
 *
 * - A bound (`min`, `max`) is held against the measured value. The interval is shown, not used: the bound is
 *   the author's own, chosen for a number of this size on these rows, and there is nothing to be paired with.
 * - Against the champion: pass when, with the gate's confidence, the candidate is not worse by more than the
 *   margin; fail when, with the same confidence, it is; else inconclusive. No rule of thumb decides in
 *   between: that the rows cannot tell is the answer, and a person's to weigh.
 * - Per slice: fails when one value of the column fails; inconclusive when one is, or when no value has enough
 *   rows to be judged. Values with fewer than `min-rows` are named and not judged.
 * - No data is never a pass.
 */
export function decideGate(gate: GateSpec, evidence: GateEvidence): GateVerdict {
  switch (gate.kind) {
    case 'absolute':
      return decideAbsolute(gate, evidence)
    case 'champion':
      return decideAgainstChampion(gate, evidence)
    case 'latency':
      return decideLatency(gate, evidence)
    default:
      return assertNever(gate)
  }
}

type Absolute = Extract<GateSpec, { kind: 'absolute' }>
type AgainstChampion = Extract<GateSpec, { kind: 'champion' }>

function decideAbsolute(gate: Absolute, { result }: GateEvidence): GateVerdict {
  if (result === undefined) return inconclusive(`${gate.metric} was not measured: there is no evaluation`)
  if (gate.slice === undefined) return holdAgainst(gate, result.candidate.metrics, result.rows)
  const slices = result.slices.filter(({ column }) => column === gate.slice)
  return combine(
    gate,
    slices.map((slice) => ({ ...slice, verdict: () => holdAgainst(gate, slice.candidate, slice.rows) })),
  )
}

function holdAgainst(gate: Absolute, metrics: Measures, rows: number): GateVerdict {
  const measure = metrics[gate.metric]
  if (measure === undefined || measure.value === null) {
    return inconclusive(
      `${gate.metric} cannot be computed for these answers (it needs scores, or rows of more than one class)`,
    )
  }
  const { value } = measure
  const tooLow = gate.min !== undefined && value < gate.min
  const tooHigh = gate.max !== undefined && value > gate.max
  const bounds = [
    ...(gate.min === undefined ? [] : [`at least ${gate.min}`]),
    ...(gate.max === undefined ? [] : [`at most ${gate.max}`]),
  ]
  return {
    outcome: tooLow || tooHigh ? 'fail' : 'pass',
    summary: `${gate.metric} ${shown(value)} ${range(measure)} on ${rows} rows, ${bounds.join(' and ')} wanted`,
    evidence: { ...measure, rows, min: gate.min ?? null, max: gate.max ?? null },
  }
}

function decideAgainstChampion(gate: AgainstChampion, { result, outcomes }: GateEvidence): GateVerdict {
  if (result === undefined || outcomes === undefined)
    return inconclusive(`${gate.metric} was not measured: there is no evaluation`)
  const { champion } = result
  if (champion === undefined)
    return { outcome: 'not-applicable', summary: 'there is no champion yet to compare with', evidence: {} }
  if ('failed' in champion || outcomes.champion === undefined) {
    const why = 'failed' in champion ? champion.failed : 'its answers are missing'
    return inconclusive(`the champion (version ${champion.version}) could not be evaluated: ${why}`)
  }
  const models = { candidate: rowsOf(outcomes, outcomes.candidate), champion: rowsOf(outcomes, outcomes.champion) }
  const compareAt = (places?: readonly number[]): GateVerdict => {
    const metric = findMetric(result.task, gate.metric)
    const at = (rows: typeof models.candidate) => (places === undefined ? rows : pickRows(rows, places))
    const comparison = metric && compareModels(metric, at(models.candidate), at(models.champion), gate.confidence)
    return comparison === undefined
      ? inconclusive(`${gate.metric} cannot be compared on these rows`)
      : judgeComparison(gate, comparison)
  }
  if (gate.slice === undefined) return compareAt()
  const slice = outcomes.slices.find(({ column }) => column === gate.slice)
  return combine(
    gate,
    (slice?.values ?? []).map((value, place) => {
      const places = placesOf(slice?.of ?? [], place)
      return { value, rows: places.length, verdict: () => compareAt(places) }
    }),
  )
}

/** The candidate's advantage against the margin, at the gate's confidence. */
function judgeComparison(gate: AgainstChampion, comparison: Comparison): GateVerdict {
  const { advantage, low, high, atLeast, atMost, confidence } = comparison
  const outcome = atLeast >= -gate.margin ? 'pass' : atMost < -gate.margin ? 'fail' : 'inconclusive'
  const direction =
    advantage < 0 ? `worse by ${shown(-advantage)}` : advantage > 0 ? `better by ${shown(advantage)}` : 'equal'
  const values = `${gate.metric} ${shown(comparison.candidate)} against the champion's ${shown(comparison.champion)}`
  const doubt = outcome === 'inconclusive' ? `; ${comparison.rows} rows are too few to tell` : ''
  return {
    outcome,
    summary: `${values}: ${direction} (${percent(confidence)} interval ${advantageRange(low, high)}), margin ${gate.margin}${doubt}`,
    evidence: { ...comparison, margin: gate.margin },
  }
}

function advantageRange(low: number, high: number): string {
  if (high <= 0) return `${shown(-high)} to ${shown(-low)} worse`
  return low >= 0 ? `${shown(low)} to ${shown(high)} better` : `${shown(-low)} worse to ${shown(high)} better`
}

function decideLatency(gate: Extract<GateSpec, { kind: 'latency' }>, { result }: GateEvidence): GateVerdict {
  const latency = result?.latency
  if (latency === undefined) return inconclusive('latency was not measured: nothing was sent to the candidate')
  const value = latency[`p${gate.percentile}`]
  return {
    outcome: value <= gate.maxMs ? 'pass' : 'fail',
    summary: `latency p${gate.percentile} ${value.toFixed(1)} ms over ${latency.requests} requests, at most ${gate.maxMs} ms wanted`,
    evidence: { ...latency, maxMs: gate.maxMs },
  }
}

interface SliceCase {
  readonly value: string
  readonly rows: number
  readonly verdict: () => GateVerdict
}

function combine(gate: Absolute | AgainstChampion, slices: readonly SliceCase[]): GateVerdict {
  const judged = slices
    .filter(({ rows }) => rows >= gate.minRows)
    .map(({ value, rows, verdict }) => ({ value, rows, ...verdict() }))
  const skipped = slices.filter(({ rows }) => rows < gate.minRows).map(({ value, rows }) => ({ value, rows }))
  const evidence = { slice: gate.slice, judged, skipped }
  const few =
    skipped.length === 0
      ? ''
      : `; not judged, with fewer than ${gate.minRows} rows: ${skipped.map(({ value }) => value).join(', ')}`
  if (judged.length === 0)
    return { ...inconclusive(`no value of ${gate.slice ?? ''} has ${gate.minRows} rows to be judged by`), evidence }
  for (const outcome of ['fail', 'inconclusive'] as const) {
    const worst = judged.filter((slice) => slice.outcome === outcome)
    if (worst.length === 0) continue
    const told = worst.map(({ value, summary }) => `${gate.slice ?? ''} = ${value}: ${summary}`)
    return {
      outcome,
      summary: `${told.slice(0, 3).join('; ')}${told.length > 3 ? ` and ${told.length - 3} more` : ''}${few}`,
      evidence,
    }
  }
  return {
    outcome: 'pass',
    summary: `${gate.metric} holds for ${judged.length} values of ${gate.slice ?? ''}${few}`,
    evidence,
  }
}

function inconclusive(summary: string): GateVerdict {
  return { outcome: 'inconclusive', summary, evidence: {} }
}

function range({ low, high }: Measure): string {
  return low === null || high === null ? '' : `(95 % interval ${shown(low)} to ${shown(high)})`
}

/** Three digits that matter: 0.842, 12.3, 0.0131. */
function shown(value: number): string {
  if (value === 0 || Math.abs(value) >= 0.0995) return value.toFixed(Math.abs(value) >= 100 ? 0 : 3)
  return String(Number(value.toPrecision(2)))
}

function percent(confidence: number): string {
  return `${Number((confidence * 100).toPrecision(4))} %`
}
