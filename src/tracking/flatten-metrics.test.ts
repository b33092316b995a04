import { expect, test } from 'vitest'
import { flattenMetrics } from './flatten-metrics.ts'

test('nested numbers get dotted names, and nothing else is a metric', () => {
  const metrics = flattenMetrics('{"accuracy": 0.5, "train": {"loss": 1, "note": "x"}, "curve": [1, 2], "bad": null}')

  expect(metrics).toEqual({ accuracy: 0.5, 'train.loss': 1, 'curve.0': 1, 'curve.1': 2 })
})

test('a file that is no JSON has no metrics', () => {
  expect(flattenMetrics('accuracy 0.5')).toEqual({})
})

test('a file made to overflow the stack has no metrics either', () => {
  expect(flattenMetrics(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`)).toEqual({})
  expect(Object.keys(flattenMetrics(JSON.stringify(Array.from({ length: 5_000 }, (_, i) => i))))).toHaveLength(1_000)
})
