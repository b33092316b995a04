import { describe, expect, test } from 'vitest'
import { confusionMatrix } from './class-counts.ts'
import golden from './golden.json' with { type: 'json' }
import type { RowOutcomes } from './evaluation-result.ts'
import { estimateMetric } from './infer-metric.ts'
import { rowsOf } from './judge-answers.ts'
import { numberUnits, pickRows, type ClassRows, type NumberRows } from './judged-rows.ts'
import { measure, measureAll } from './measure.ts'
import { findMetric, metricNames } from './metrics.ts'
import { SeededRandom } from '../statistics/random.ts'
import { reasonAgainst } from './why-undefined.ts'

interface GoldenClasses {
  readonly name: string
  readonly classes: readonly string[]
  readonly truth: readonly number[]
  readonly predicted: readonly number[]
  readonly scores: readonly (number | null)[]
  readonly weights?: readonly number[]
  readonly positive?: number
  readonly expected: Readonly<Record<string, number | null>>
  readonly confusion: readonly (readonly number[])[]
}

interface GoldenNumbers {
  readonly name: string
  readonly truth: readonly number[]
  readonly predicted: readonly number[]
  readonly weights?: readonly number[]
  readonly expected: Readonly<Record<string, number | null>>
}

function classRows({ classes, truth, predicted, scores, weights, positive }: GoldenClasses): ClassRows {
  return {
    kind: 'classification',
    classes,
    truth: Int32Array.from(truth),
    predicted: Int32Array.from(predicted),
    scores: Float64Array.from(scores, (score) => score ?? Number.NaN),
    sampling: { rows: truth.length, ...(weights === undefined ? {} : { weights: Float64Array.from(weights) }) },
    ...(positive === undefined ? {} : { positive }),
  }
}

function numberRows({ truth, predicted, weights }: GoldenNumbers): NumberRows {
  return {
    kind: 'regression',
    truth: Float64Array.from(truth),
    predicted: Float64Array.from(predicted),
    sampling: { rows: truth.length, ...(weights === undefined ? {} : { weights: Float64Array.from(weights) }) },
  }
}

/** Within a billionth of the number, or of 1. A metric that does not exist is NaN or has a reason. */
function expectAsGolden(rows: ClassRows | NumberRows, expected: Readonly<Record<string, number | null>>): void {
  for (const [name, value] of Object.entries(expected)) {
    const metric = findMetric(rows.kind, name)!
    if (value === null) {
      const isRefused = reasonAgainst(metric, rows) !== undefined || Number.isNaN(estimateMetric(metric, rows))
      expect(isRefused, `${name} does not exist`).toBe(true)
      continue
    }
    expect(Math.abs(estimateMetric(metric, rows) - value), name).toBeLessThanOrEqual(
      1e-9 * Math.max(1, Math.abs(value)),
    )
  }
}

describe('as scikit-learn computes them (tools/golden/metrics.py)', () => {
  test.each((golden.classification as GoldenClasses[]).map((given) => [given.name, given] as const))(
    'classes, %s',
    (_, given) => {
      const rows = classRows(given)

      expectAsGolden(rows, given.expected)
      for (const [i, line] of confusionMatrix(rows).entries())
        for (const [j, cell] of line.entries()) expect(cell).toBeCloseTo(given.confusion[i]![j]!, 9)
    },
  )

  test.each((golden.regression as GoldenNumbers[]).map((given) => [given.name, given] as const))(
    'numbers, %s',
    (_, given) => expectAsGolden(numberRows(given), given.expected),
  )
})

const ROWS: ClassRows = {
  kind: 'classification',
  classes: ['a', 'b', 'c'],
  truth: Int32Array.of(0, 0, 1, 1, 2),
  predicted: Int32Array.of(0, 1, 1, 1, 0),
  scores: Float64Array.of(0.9, 0.1, 0, 0.4, 0.5, 0.1, 0.2, 0.8, 0, 0, 1, 0, 0.6, 0.2, 0.2),
  sampling: { rows: 5 },
}

const NUMBERS: NumberRows = {
  kind: 'regression',
  truth: Float64Array.of(1, 2, 3, 4, 5),
  predicted: Float64Array.of(1, 2.5, 2, 4.25, 9),
  sampling: { rows: 5 },
}

test.each([ROWS, NUMBERS])('a row of weight two counts as two rows, for every metric of $kind', (rows) => {
  const twice = pickRows(rows, Uint32Array.of(0, 0, 1, 2, 2, 4))
  const weighted = { ...rows, sampling: { rows: 5, weights: Float64Array.of(2, 1, 2, 0, 1) } }

  for (const name of metricNames(rows)) {
    const metric = findMetric(rows.kind, name)!
    expect(estimateMetric(metric, weighted), name).toBeCloseTo(estimateMetric(metric, twice), 12)
  }
})

test('without scores only metrics of answers are computed, and the others say why', () => {
  const { scores: _, ...answers } = ROWS

  expect(Object.keys(measureAll(answers))).not.toContain('auc')
  expect(measureAll(answers)['accuracy']!.value).toBe(0.6)
  expect(measure(findMetric('classification', 'auc')!, answers).why).toBe('the model gives no scores')
})

test.each([
  ['auc', { ...pickRows(ROWS, Uint32Array.of(0)) }, 'it needs rows of more than one class'],
  ['auc', { ...ROWS, scores: ROWS.scores!.with(4, Number.NaN) }, '1 row has no score'],
  ['accuracy', pickRows(ROWS, new Uint32Array()), 'there are no rows'],
  ['accuracy', { ...ROWS, sampling: { rows: 5, weights: new Float64Array(5) } }, 'all weights are 0'],
  ['precision', { ...ROWS, positive: 2 }, 'no row was called c'],
  ['recall', { ...pickRows(ROWS, Uint32Array.of(0, 1)), positive: 2 } as ClassRows, 'no row is c'],
  ['r2', pickRows(NUMBERS, Uint32Array.of(1)), 'the truth is the same for all rows'],
  ['mae', { ...NUMBERS, predicted: NUMBERS.predicted.with(0, Number.NaN) }, '1 row has no answer'],
  ['mae', ROWS, 'it is no metric of classification'],
  ['log-loss', { ...ROWS, scores: ROWS.scores!.with(4, 2.5) }, 'a score of row 2 is 2.5, which is no probability'],
  ['brier', { ...ROWS, scores: ROWS.scores!.with(6, -0.5) }, 'a score of row 3 is -0.5, which is no probability'],
  [
    'calibration-error',
    { ...ROWS, scores: ROWS.scores!.with(4, 2.5) },
    'a score of row 2 is 2.5, which is no probability',
  ],
  ['auc', { ...ROWS, scores: new Float64Array(15).fill(Number.NaN) }, '5 rows have no score'],
  ['rmse', { ...NUMBERS, predicted: NUMBERS.predicted.with(0, 1e200) }, 'the errors are too large to be added up'],
] as const)('%s that does not exist for the rows is nothing, with the reason (%#)', (name, rows, why) => {
  const metric = findMetric(['r2', 'mae', 'rmse'].includes(name) ? 'regression' : 'classification', name)!

  expect(measure(metric, rows)).toEqual({ value: null, low: null, high: null, why })
})

test('a ranking takes any scores, and rounding leaves a probability one', () => {
  const margins = { ...ROWS, scores: ROWS.scores!.map((score) => score * 8 - 4) }
  const rounded = { ...ROWS, scores: ROWS.scores!.map((score) => score * 1.000_000_2) }

  expect(measureAll(margins)['auc']!.value).toBe(measureAll(ROWS)['auc']!.value)
  expect(measureAll(margins)['calibration-error']!.value).toBeNull()
  expect(measureAll(rounded)['brier']!.value).toBeCloseTo(measureAll(ROWS)['brier']!.value!, 5)
})

test("a metric of the author's own is the weighted mean of its column", () => {
  const own = { dice: { better: 'higher' } } as const
  const rows = {
    ...NUMBERS,
    own: { dice: Float64Array.of(0, 1, 1, 1, 0.5) },
    sampling: { rows: 5, weights: Float64Array.of(2, 1, 1, 1, 0) },
  }

  expect(measureAll(rows, ['dice'], own)['dice']).toMatchObject({ value: 0.6, method: 'bootstrap of rows' })
})

test.each([
  ['plain rows', {}],
  ['weighted rows', { weights: Float64Array.of(1, 2, 1, 0.5, 3) }],
  ['rows of two units', { units: numberUnits(5, (row) => row % 2) }],
])('the interval holds the value: %s', (_, sampling) => {
  for (const rows of [ROWS, NUMBERS]) {
    const measured = measureAll({ ...rows, sampling: { rows: 5, ...sampling } })
    for (const [name, { value, low, high }] of Object.entries(measured)) {
      if (low === null || high === null) continue
      expect(low, name).toBeLessThanOrEqual(value! + 1e-12)
      expect(high, name).toBeGreaterThanOrEqual(value! - 1e-12)
    }
  }
})

test('a calibrated model is not proved to be otherwise', () => {
  const random = new SeededRandom(3)
  const scores = Float64Array.from({ length: 400 }, () => random.next())
  const all = Float64Array.from({ length: 800 }, (_, i) => (i % 2 === 1 ? scores[(i - 1) / 2]! : 1 - scores[i / 2]!))
  const truth = Int32Array.from(scores, (score) => Number(random.next() < score))
  const calibrated: ClassRows = {
    kind: 'classification',
    classes: ['no', 'yes'],
    truth,
    predicted: truth,
    scores: all,
    sampling: { rows: 400 },
  }

  const { value, low, high } = measure(findMetric('classification', 'calibration-error')!, calibrated)

  expect(value).toBeGreaterThan(0.01)
  expect(low).toBe(0)
  expect(high).toBeGreaterThan(value!)
})

test('an answer that is no class at all does not change what scores are judged by', () => {
  const random = new SeededRandom(7)
  const truth = Int32Array.from({ length: 60 }, () => Number(random.next() < 0.3))
  const scores = Float64Array.from({ length: 120 }, () => random.next())
  const predicted = truth.map((label, row) => (row % 5 === 0 ? 1 - label : label))
  const two = {
    task: 'classification',
    classes: ['0', '1'],
    truth,
    candidate: { predicted, scores },
    slices: [],
  } as const
  const withStranger: RowOutcomes = {
    ...two,
    classes: ['0', '1', 'none'],
    candidate: {
      predicted: predicted.with(3, 2),
      scores: Float64Array.from({ length: 180 }, (_, i) =>
        i % 3 === 2 ? 0 : scores[Math.floor(i / 3) * 2 + (i % 3)]!,
      ),
    },
  }
  const names = ['brier', 'auc', 'pr-auc', 'auc-weighted']
  const measured = (outcomes: RowOutcomes) => measureAll(rowsOf(outcomes, outcomes.candidate), names)
  const half = Uint32Array.from({ length: 30 }, (_, i) => i)
  const picked = (outcomes: RowOutcomes) => measureAll(pickRows(rowsOf(outcomes, outcomes.candidate), half), names)

  expect(measured(withStranger)).toEqual(measured(two))
  expect(picked(withStranger)).toEqual(picked(two))
})
