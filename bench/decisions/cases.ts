import type { ChampionGate } from './gate-rates.ts'
import {
  simulateClasses,
  simulateNumbers,
  simulateScores,
  simulateSlices,
  simulateUnits,
  type Simulate,
} from './simulate-rows.ts'

export interface DecisionCase {
  readonly name: string
  readonly what: string
  readonly gate: ChampionGate
  readonly simulate: Simulate
  readonly rows: readonly number[]
  /** For each of `rows`: fewer where a decision takes long. */
  readonly repetitions: readonly number[]
}

const CONFIDENCE = 0.95

/** In the order of the page. */
export const DECISION_CASES: readonly DecisionCase[] = [
  decisionCase(
    'accuracy',
    0.02,
    simulateClasses,
    'score interval of Tango; the models differ on 6 % of rows',
    [2_000, 2_000],
  ),
  decisionCase('auc', 0.02, simulateScores, "DeLong's test; area 0.85, 30 % positive", [2_000, 400]),
  decisionCase('mae', 0.05, simulateNumbers, 'paired bootstrap; errors correlated 0.8, MAE 1', [400, 100]),
  decisionCase('f1-macro', 0.02, simulateClasses, 'bootstrap of the joint confusion matrix; three classes', [400, 400]),
  {
    ...decisionCase('accuracy', 0.02, simulateUnits, 'bootstrap of units: ten rows each, answered alike', [200]),
    name: 'accuracy, with `unit`',
    rows: [5_000],
  },
  {
    ...decisionCase('accuracy', 0.05, simulateSlices, 'each of twenty values by itself, errors by Holm', [200]),
    name: 'accuracy, `slice` of twenty values',
    gate: { ...gateOf('accuracy', 0.05), slice: 'slice' },
    rows: [5_000],
  },
]

function decisionCase(
  metric: string,
  margin: number,
  simulate: Simulate,
  what: string,
  repetitions: readonly number[],
): DecisionCase {
  return { name: metric, what, gate: gateOf(metric, margin), simulate, rows: [500, 5_000], repetitions }
}

function gateOf(metric: string, margin: number): ChampionGate {
  return { kind: 'champion', name: `${metric}-vs-champion`, metric, margin, confidence: CONFIDENCE, minRows: 1 }
}
