import { expect, test } from 'vitest'
import { judgeDrift } from './monitor-drift.ts'
import { judgeLatency } from './monitor-latency.ts'
import { judgePerformance, type LabelledWindow } from './monitor-performance.ts'
import { judgeQuality } from './monitor-quality.ts'
import type { NumberWindow, ReferenceProfile, WindowProfile } from './reference-profile.ts'

const reference: ReferenceProfile = {
  version: 1,
  rows: 2000,
  columns: {
    age: {
      kind: 'number',
      edges: [20, 40],
      counts: [500, 1000, 500],
      nulls: 0,
      nans: 0,
      infinities: 0,
      min: 1,
      max: 90,
    },
    city: { kind: 'category', categories: ['Rome', 'Oslo'], counts: [1500, 500, 0], nulls: 0 },
    born: { kind: 'unsupported', type: 'DATE' },
  },
  missing: [],
}

const goodAge: NumberWindow = {
  kind: 'number',
  counts: [125, 250, 125],
  nulls: 0,
  nans: 0,
  infinities: 0,
  below: 0,
  above: 0,
  unreadable: 0,
}

function windowOf(age: Partial<NumberWindow> = {}, cities: number[] = [375, 125, 0]): WindowProfile {
  const city = { kind: 'category' as const, counts: cities, nulls: 0, otherExamples: ['Bern'] }
  return { rows: 500, from: 1, to: 2, columns: { age: { ...goodAge, ...age }, city }, unlogged: [] }
}

function labels(labelled: number, correct: number): LabelledWindow {
  const nothing = { mean: 0, variance: 0 }
  return { rows: 1000, labelled, correct, numeric: { rows: 0, absolute: nothing, squared: nothing } }
}

test('a window like the reference is fine for drift and quality', () => {
  expect(judgeDrift(reference, windowOf(), { features: 'all' })).toMatchObject({
    state: 'ok',
    summary: '2 features looked at in 500 rows: no drift.',
  })
  expect(judgeQuality(reference, windowOf()).state).toBe('ok')
})

test('drift names the features and how far they moved', () => {
  const found = judgeDrift(reference, windowOf({ counts: [400, 80, 20] }), { features: 'all' })

  expect(found.state).toBe('trouble')
  expect(found.summary).toBe('1 of 2 features drifted in 500 rows: age (largest: PSI 1.41, p < 0.0001).')
  expect(found.evidence).toMatchObject({ drifted: ['age'], watched: 2 })
})

test('only the features that the monitor names are looked at', () => {
  expect(judgeDrift(reference, windowOf({ counts: [400, 80, 20] }), { features: ['city'] }).state).toBe('ok')
  expect(judgeDrift(reference, windowOf(), { features: ['none'] })).toMatchObject({ state: 'too-few-rows' })
})

test('half of a column turned null is drift too', () => {
  expect(judgeDrift(reference, windowOf({ counts: [62, 126, 62], nulls: 250 }), { features: 'all' }).state).toBe(
    'trouble',
  )
})

test('a short window says nothing about drift or quality', () => {
  const short: WindowProfile = { ...windowOf({ counts: [1, 2, 40] }, [43, 0, 0]), rows: 43 }

  expect(judgeDrift(reference, short, { features: 'all' }).summary).toBe(
    '43 rows against 2000 of the reference: too few to say (300 of each are needed).',
  )
  expect(judgeQuality(reference, short).state).toBe('too-few-rows')
})

test('nulls, text and new categories that the reference never had are trouble', () => {
  const found = judgeQuality(reference, windowOf({ nulls: 40, unreadable: 20 }, [300, 100, 100]))

  expect(found.state).toBe('trouble')
  expect(found.summary).toBe(
    'Of 500 rows: city unseen category in 20 %, age null in 8 %, age not a number in 4 %; the reference never had that.',
  )
})

test('a few rows just outside the range of the reference are normal', () => {
  expect(judgeQuality(reference, windowOf({ above: 3, below: 2 })).state).toBe('ok')
  expect(judgeQuality(reference, windowOf({ above: 30 })).summary).toContain('age above the range in 6 %')
})

test('accuracy is trouble only when it is surely below its limit', () => {
  const rule = { metric: 'accuracy', min: 0.93 } as const

  expect(judgePerformance(labels(500, 480), rule).state).toBe('ok')
  expect(judgePerformance(labels(500, 460), rule).state).toBe('ok')
  expect(judgePerformance(labels(500, 400), rule)).toMatchObject({
    state: 'trouble',
    summary: 'accuracy 0.8 (0.7501 to 0.844) on 500 labels, 50 % of rows: below 0.93.',
  })
  expect(judgePerformance(labels(60, 20), rule).state).toBe('too-few-rows')
})

test('an error metric is judged by its mean and spread', () => {
  const numeric = { rows: 400, absolute: { mean: 2, variance: 1 }, squared: { mean: 9, variance: 4 } }
  const window = { ...labels(400, 0), numeric }

  expect(judgePerformance(window, { metric: 'mae', max: 1.5 }).state).toBe('trouble')
  expect(judgePerformance(window, { metric: 'mae', max: 1.95 }).state).toBe('ok')
  expect(judgePerformance(window, { metric: 'rmse', max: 2.8 }).state).toBe('trouble')
  expect(judgePerformance(window, { metric: 'rmse', max: 3.1 }).state).toBe('ok')
})

test('latency is trouble when too many requests are slower than the limit', () => {
  const rule = { percentile: 99, maxMs: 250 } as const

  expect(judgeLatency({ requests: 1000, slower: 10, valueMs: 251 }, rule).state).toBe('ok')
  expect(judgeLatency({ requests: 1000, slower: 40, valueMs: 400 }, rule)).toMatchObject({
    state: 'trouble',
    summary: 'p99 is 400.0 ms of at most 250 ms (4 % of 1000 requests are slower); that is too many to be chance.',
  })
  expect(judgeLatency({ requests: 50, slower: 50, valueMs: 900 }, rule).state).toBe('too-few-rows')
})
