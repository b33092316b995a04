import { expect, test } from 'vitest'
import { flattenMetrics } from './flatten-metrics.ts'

test('nested numbers get dotted names, and nothing else is a metric', () => {
  const read = flattenMetrics('{"accuracy": 0.5, "train": {"loss": 1, "note": "x"}, "curve": [1, 2], "bad": null}')

  expect(read).toEqual({ metrics: { accuracy: 0.5, 'train.loss': 1, 'curve.0': 1, 'curve.1': 2 } })
})

test('a number that Python could not write as JSON takes no other with it', () => {
  const read = flattenMetrics('{"loss": NaN, "best": -Infinity, "accuracy": 0.5, "train": {"loss": 1}}')

  expect(read).toEqual({ metrics: { accuracy: 0.5, 'train.loss': 1 } })
})

test('YAML has metrics as JSON has', () => {
  expect(flattenMetrics('accuracy: 0.5\ntrain:\n  loss: 1\n  rate: 1e-3\n  worst: .nan\n')).toEqual({
    metrics: { accuracy: 0.5, 'train.loss': 1, 'train.rate': 0.001 },
  })
})

test('a file without metrics says why, and where', () => {
  expect(flattenMetrics('accuracy 0.5')).toEqual({
    metrics: {},
    trouble: { line: 1, column: 1, message: 'it has no names with numbers' },
  })
  expect(flattenMetrics('{"a": 1,\n "b": 2')).toMatchObject({
    metrics: {},
    trouble: { line: 2, message: expect.stringMatching(/^it is neither JSON nor YAML: [^\n]+$/) as string },
  })
})

test('a file made to overflow the stack, or to grow without end, has no metrics either', () => {
  const deep = '{"a":'.repeat(5_000)
  const refer = (to: string) => `[${`*${to},`.repeat(9)}]`
  const bomb = [
    'a: &a [1, 1, 1]',
    ...['ab', 'bc', 'cd', 'de', 'ef'].map(([from = '', to]) => `${to}: &${to} ${refer(from)}`),
  ]

  expect(flattenMetrics(`${deep}1${'}'.repeat(5_000)}`).metrics).toEqual({})
  expect(flattenMetrics('['.repeat(100_000)).trouble).toBeDefined()
  expect(flattenMetrics(bomb.join('\n')).trouble?.message).toContain('alias')
  const long = Array.from({ length: 30_000 }, (_, at) => `metric_${at}: ${at}`).join('\n')
  expect(flattenMetrics(long).trouble?.message).toContain('of YAML at most')
  const many = JSON.stringify(Array.from({ length: 5_000 }, (_, i) => i))
  expect(Object.keys(flattenMetrics(many).metrics)).toHaveLength(1_000)
})
