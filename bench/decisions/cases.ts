import type { ChampionGate } from './gate-rates.ts'
import {
  OWN_METRIC,
  simulateClasses,
  simulateNumbers,
  simulateOverlaps,
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
}

const CONFIDENCE = 0.95

/** In the order of the page. */
export const DECISION_CASES: readonly DecisionCase[] = [
  decisionCase('accuracy', 0.02, simulateClasses, 'score interval of Tango; the models differ on 6 % of rows'),
  decisionCase('auc', 0.02, simulateScores, "DeLong's test; area 0.85, 30 % positive"),
  decisionCase('mae', 0.05, simulateNumbers, 'paired bootstrap; errors correlated 0.8, MAE 1'),
  decisionCase('f1-macro', 0.02, simulateClasses, 'bootstrap of the joint confusion matrix; three classes'),
  {
    ...decisionCase(OWN_METRIC, 0.01, simulateOverlaps, 'paired bootstrap; every tenth row differs by up to 0.4'),
    name: `\`${OWN_METRIC}\`, a metric of one's own`,
  },
  {
    ...decisionCase('accuracy', 0.02, simulateUnits, 'bootstrap of units: ten rows each, answered alike'),
    name: 'accuracy, with `unit`',
    rows: [5_000],
  },
  {
    ...decisionCase('accuracy', 0.05, simulateSlices, 'each of twenty values by itself, errors by Holm'),
    name: 'accuracy, `slice` of twenty values',
    gate: { ...gateOf('accuracy', 0.05), slice: 'slice' },
    rows: [5_000],
  },
]

function decisionCase(metric: string, margin: number, simulate: Simulate, what: string): DecisionCase {
  return { name: metric, what, gate: gateOf(metric, margin), simulate, rows: [500, 5_000] }
}

function gateOf(metric: string, margin: number): ChampionGate {
  return { kind: 'champion', name: `${metric}-vs-champion`, metric, margin, confidence: CONFIDENCE, minRows: 1 }
}
