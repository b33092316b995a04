import { normalQuantile } from '../../src/statistics/normal.ts'
import type { SeededRandom } from '../../src/statistics/random.ts'
import type { RowOutcomes } from '../../src/evaluation/evaluation-result.ts'

/**
 * Answers of a candidate and a champion whose true difference is known: the candidate is better by `advantage`
 * (negative: worse) in the metric's own unit, in the population that the rows are drawn from.
 */
export type Simulate = (random: SeededRandom, rows: number, advantage: number) => RowOutcomes

const TRUE_ACCURACY = 0.9
export const DISCORDANCE = 0.06

/** Three balanced classes; exactly one of the models is right on 6 % of rows. Macro F1 differs as accuracy does. */
export const simulateClasses: Simulate = (random, rows, advantage) => {
  const both = TRUE_ACCURACY - DISCORDANCE / 2
  const candidateOnly = (DISCORDANCE + advantage) / 2
  const truth = new Int32Array(rows)
  const candidate = new Int32Array(rows)
  const champion = new Int32Array(rows)
  for (let i = 0; i < rows; i++) {
    const own = Math.floor(random.next() * 3)
    const draw = random.next()
    const wrong = (own + 1 + Math.floor(random.next() * 2)) % 3
    truth[i] = own
    candidate[i] = draw < both + candidateOnly ? own : wrong
    champion[i] = draw < both || (draw >= both + candidateOnly && draw < both + DISCORDANCE) ? own : wrong
  }
  return outcomesOf(truth, { predicted: candidate }, { predicted: champion }, ['a', 'b', 'c'])
}

/** The same, twenty values of a slice, all alike. */
export const simulateSlices: Simulate = (random, rows, advantage) => {
  const outcomes = simulateClasses(random, rows, advantage)
  const values = Array.from({ length: 20 }, (_, i) => `s${i}`)
  return { ...outcomes, slices: [{ column: 'slice', values, of: Uint8Array.from({ length: rows }, (_, i) => i % 20) }] }
}

/** Ten rows of each unit that are answered alike: a patient's images. */
export const simulateUnits: Simulate = (random, rows, advantage) => {
  const few = simulateClasses(random, rows / 10, advantage)
  const spread = (values: ArrayLike<number>): Int32Array =>
    Int32Array.from({ length: rows }, (_, i) => values[Math.floor(i / 10)]!)
  const units = spread(Array.from({ length: rows / 10 }, (_, i) => i))
  const [candidate, champion] = [few.candidate, few.champion!].map(({ predicted }) => ({
    predicted: spread(predicted),
  }))
  return { ...outcomesOf(spread(few.truth), candidate!, champion!, few.classes!), units }
}

const TRUE_AREA = 0.85

/** Three of ten rows are positive; scores are normal, and those of the two models go along with 0.8. */
export const simulateScores: Simulate = (random, rows, advantage) => {
  const distance = (area: number): number => normalQuantile(area) * Math.SQRT2
  const [one, other] = [distance(TRUE_AREA + advantage), distance(TRUE_AREA)]
  const truth = Int32Array.from({ length: rows }, () => Number(random.next() < 0.3))
  const candidate = new Float64Array(2 * rows)
  const champion = new Float64Array(2 * rows)
  for (let i = 0; i < rows; i++) {
    const [a, b] = correlated(random, 0.8)
    candidate[2 * i + 1] = asShare(truth[i]! * one + a)
    champion[2 * i + 1] = asShare(truth[i]! * other + b)
  }
  for (const scores of [candidate, champion]) for (let i = 0; i < rows; i++) scores[2 * i] = 1 - scores[2 * i + 1]!
  const predicted = new Int32Array(rows)
  return outcomesOf(truth, { predicted, scores: candidate }, { predicted, scores: champion }, ['no', 'yes'])
}

/** Any number as a score; the area depends on the order alone. */
function asShare(value: number): number {
  return 1 / (1 + Math.exp(-value))
}

/** Normal errors, correlated 0.8; the champion's mean absolute error is 1. */
export const simulateNumbers: Simulate = (random, rows, advantage) => {
  const perUnit = Math.sqrt(Math.PI / 2)
  const truth = new Float64Array(rows)
  const candidate = new Float64Array(rows)
  const champion = new Float64Array(rows)
  for (let i = 0; i < rows; i++) {
    const [a, b] = correlated(random, 0.8)
    truth[i] = 10 * random.next()
    candidate[i] = truth[i]! + a * perUnit * (1 - advantage)
    champion[i] = truth[i]! + b * perUnit
  }
  return {
    task: 'regression',
    truth,
    candidate: { predicted: candidate },
    champion: { predicted: champion },
    slices: [],
  }
}

/**
 * A number of the author's own between 0 and 1, as the overlap of two areas: one of ten rows is answered quite
 * otherwise, all others nearly alike.
 */
export const simulateOverlaps: Simulate = (random, rows, advantage) => {
  const champion = Float64Array.from({ length: rows }, () => 0.45 + 0.1 * random.next())
  const candidate = champion.map((value) => {
    const moved = random.next() < 0.1 ? 0.8 : 0.04
    return value + advantage + moved * (random.next() - 0.5)
  })
  const { champion: other, ...outcomes } = simulateClasses(random, rows, 0)
  return {
    ...outcomes,
    candidate: { ...outcomes.candidate, own: { [OWN_METRIC]: candidate } },
    champion: { ...other!, own: { [OWN_METRIC]: champion } },
  }
}

export const OWN_METRIC = 'dice'

/** Standard normal ones, by Box and Muller. */
function correlated(random: SeededRandom, correlation: number): [number, number] {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()))
  const angle = 2 * Math.PI * random.next()
  const [a, b] = [radius * Math.cos(angle), radius * Math.sin(angle)]
  return [a, correlation * a + Math.sqrt(1 - correlation ** 2) * b]
}

function outcomesOf(
  truth: Int32Array,
  candidate: RowOutcomes['candidate'],
  champion: RowOutcomes['candidate'],
  classes: readonly string[],
): RowOutcomes {
  return { task: 'classification', classes, truth, candidate, champion, slices: [] }
}
