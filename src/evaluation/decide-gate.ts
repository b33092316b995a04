import { assertNever } from '../lib/assert-never.ts'
import type { MetricGate } from '../pipeline/pipeline.ts'
import { decideAbsolute } from './decide-absolute.ts'
import { decideAgainstChampion } from './decide-champion.ts'
import type { EvaluationResult, RowOutcomes } from './evaluation-result.ts'
import { gateRows, type GateRows } from './gate-rows.ts'
import { inconclusive, type GateVerdict } from './gate-verdict.ts'

export type { GateOutcome, GateVerdict } from './gate-verdict.ts'

export interface GateEvidence {
  /** Absent: nothing was evaluated. */
  readonly result?: EvaluationResult
  readonly outcomes?: RowOutcomes
}

/** What a gate says of what was measured. No data is never a pass. */
export function decideGate(gate: MetricGate, evidence: GateEvidence): GateVerdict {
  switch (gate.kind) {
    case 'absolute':
      return onRows(gate.metric, evidence, (rows) => decideAbsolute(gate, rows))
    case 'champion':
      return onRows(gate.metric, evidence, (rows) => decideAgainstChampion(gate, rows))
    case 'latency':
      return decideLatency(gate, evidence)
    default:
      return assertNever(gate)
  }
}

function onRows(
  metric: string,
  { result, outcomes }: GateEvidence,
  decide: (rows: GateRows) => GateVerdict,
): GateVerdict {
  if (result === undefined || outcomes === undefined)
    return inconclusive(`${metric} was not measured: there is no evaluation`)
  const rows = ROWS.get(outcomes) ?? gateRows(result, outcomes)
  ROWS.set(outcomes, rows)
  return decide(rows)
}

/** Gates of one run look at the same rows: they are taken apart, sorted and drawn once. */
const ROWS = new WeakMap<RowOutcomes, GateRows>()

function decideLatency(gate: Extract<MetricGate, { kind: 'latency' }>, { result }: GateEvidence): GateVerdict {
  const latency = result?.latency
  if (latency === undefined) return inconclusive('latency was not measured: nothing was sent to the candidate')
  const value = latency[`p${gate.percentile}`]
  return {
    outcome: value <= gate.maxMs ? 'pass' : 'fail',
    summary: `latency p${gate.percentile} ${value.toFixed(1)} ms at the candidate's own endpoint behind the gateway, over ${latency.requests} requests of one row each, ${Math.round(latency.perSecond)} a second after ${latency.warmUp} to warm up, at most ${gate.maxMs} ms wanted`,
    evidence: { measured: 'endpoint behind the gateway', ...latency, maxMs: gate.maxMs },
  }
}
