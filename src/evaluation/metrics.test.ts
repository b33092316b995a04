import { describe, expect, test } from 'vitest'
import golden from './golden.json' with { type: 'json' }
import { confusionMatrix } from './classification-metrics.ts'
import { pickRows, type ClassRows, type NumberRows } from './judged-rows.ts'
import { measureAll } from './measure.ts'
import { metricsOf, weightedMetric } from './metrics.ts'

const ones = (count: number): Float64Array => new Float64Array(count).fill(1)

describe('as scikit-learn computes them (tools/golden/metrics.py)', () => {
  test.each(golden.classification.map((given) => [given.name, given] as const))('%s', (_, given) => {
    const rows: ClassRows = {
      kind: 'classification',
      classes: given.classes,
      truth: Int32Array.from(given.truth),
      predicted: Int32Array.from(given.predicted),
      scores: Float64Array.from(given.scores),
    }

    for (const metric of metricsOf('classification', true)) {
      const value = weightedMetric(metric, rows)(ones(given.truth.length))
      expect(value, metric.name).toBeCloseTo((given.expected as Record<string, number>)[metric.name]!, 9)
    }
    expect(confusionMatrix(rows)).toEqual(given.confusion)
  })

  test.each(golden.regression.map((given) => [given.name, given] as const))('%s', (_, given) => {
    const rows: NumberRows = {
      kind: 'regression',
      truth: Float64Array.from(given.truth),
      predicted: Float64Array.from(given.predicted),
    }

    for (const metric of metricsOf('regression', false)) {
      const value = weightedMetric(metric, rows)(ones(given.truth.length))
      expect(value, metric.name).toBeCloseTo((given.expected as Record<string, number>)[metric.name]!, 9)
    }
  })
})

const ROWS: ClassRows = {
  kind: 'classification',
  classes: ['a', 'b', 'c'],
  truth: Int32Array.of(0, 0, 1, 1, 2),
  predicted: Int32Array.of(0, 1, 1, 1, 0),
  scores: Float64Array.of(0.9, 0.1, 0, 0.4, 0.5, 0.1, 0.2, 0.8, 0, 0, 1, 0, 0.6, 0.2, 0.2),
}

test('a row of weight two counts as two rows, for every metric', () => {
  const twice = pickRows(ROWS, [0, 0, 1, 2, 2, 4])

  for (const metric of metricsOf('classification', true)) {
    const weighted = weightedMetric(metric, ROWS)(Float64Array.of(2, 1, 2, 0, 1))
    expect(weighted, metric.name).toBeCloseTo(weightedMetric(metric, twice)(ones(6)), 12)
  }
})

test('without scores only metrics of answers are computed', () => {
  const { scores: _, ...answers } = ROWS

  expect(Object.keys(measureAll(answers))).not.toContain('auc')
  expect(measureAll(answers)['accuracy']!.value).toBe(0.6)
})

test('a metric that does not exist for the rows is null, not a number', () => {
  const one = pickRows(ROWS, [0])

  expect(measureAll(one, ['auc'])['auc']).toEqual({ value: null, low: null, high: null })
  expect(
    measureAll({ kind: 'regression', truth: Float64Array.of(3), predicted: Float64Array.of(3) }, ['r2'])['r2']!.value,
  ).toBeNull()
})

test('the interval holds the value', () => {
  for (const { value, low, high } of Object.values(measureAll(ROWS))) {
    expect(low).toBeLessThanOrEqual(value!)
    expect(high).toBeGreaterThanOrEqual(value!)
  }
})
