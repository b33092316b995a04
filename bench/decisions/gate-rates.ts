import { decideGate, type GateOutcome } from '../../src/evaluation/decide-gate.ts'
import { estimateMetric } from '../../src/evaluation/infer-metric.ts'
import { rowsOf } from '../../src/evaluation/judge-answers.ts'
import { findMetric } from '../../src/evaluation/metrics.ts'
import type { EvaluationResult, RowOutcomes } from '../../src/evaluation/evaluation-result.ts'
import type { GateSpec } from '../../src/pipeline/pipeline.ts'
import { SeededRandom } from '../../src/statistics/random.ts'
import { OWN_METRIC, type Simulate } from './simulate-rows.ts'

const OWN = { [OWN_METRIC]: { better: 'higher' } } as const

export type ChampionGate = Extract<GateSpec, { kind: 'champion' }>

export interface Question {
  readonly gate: ChampionGate
  readonly simulate: Simulate
  readonly rows: number
  /** True, in the metric's own unit: 0 is a candidate as good as the champion. */
  readonly advantage: number
  readonly repetitions: number
  readonly seed: number
}

/** Shares of the repetitions. */
export interface Rates {
  readonly gate: Readonly<Record<GateOutcome, number>>
  /** Passed by "the measured value is not below the champion's by more than the margin". */
  readonly threshold: number
  /** Passed by "the measured value is not below the champion's". */
  readonly notBelow: number
}

/** How often the gate, and a plain threshold, decide what: the gate itself is asked, on simulated rows. */
export function gateRates({ gate, simulate, rows, advantage, repetitions, seed }: Question): Rates {
  const random = new SeededRandom(seed)
  const counts = { pass: 0, fail: 0, inconclusive: 0, 'not-applicable': 0 }
  let threshold = 0
  let notBelow = 0
  for (let i = 0; i < repetitions; i++) {
    const outcomes = simulate(random, rows, advantage)
    const { outcome, evidence } = decideGate(gate, { result: resultOf(outcomes), outcomes })
    counts[outcome]++
    const { advantage: told } = evidence
    const measured = typeof told === 'number' ? told : measuredAdvantage(gate, outcomes)
    if (measured >= -gate.margin) threshold++
    if (measured >= 0) notBelow++
  }
  const share = (count: number): number => count / repetitions
  return {
    gate: {
      pass: share(counts.pass),
      fail: share(counts.fail),
      inconclusive: share(counts.inconclusive),
      'not-applicable': share(counts['not-applicable']),
    },
    threshold: share(threshold),
    notBelow: share(notBelow),
  }
}

/** Over all rows, where the gate looked at slices. */
function measuredAdvantage({ metric: name }: ChampionGate, outcomes: RowOutcomes): number {
  const metric = findMetric(outcomes.task, name, OWN)!
  const valueOf = (model: RowOutcomes['candidate']): number => estimateMetric(metric, rowsOf(outcomes, model))
  const difference = valueOf(outcomes.candidate) - valueOf(outcomes.champion!)
  return metric.better === 'higher' ? difference : -difference
}

function resultOf(outcomes: RowOutcomes): EvaluationResult {
  return {
    task: outcomes.task,
    rows: outcomes.truth.length,
    label: 'label',
    source: 'hosts',
    candidate: { bundle: 'sha256:00', metrics: {} },
    champion: { version: 1, bundle: 'sha256:01', metrics: {} },
    own: OWN,
    slices: [],
    outcomes: { kind: 'file', digest: 'sha256:00', size: 0 },
    notes: [],
  }
}

/** Simulation error: three standard errors of a share over so many repetitions. */
export function simulationError(share: number, repetitions: number): number {
  return 3 * Math.sqrt((share * (1 - share)) / repetitions)
}
