import { expect, test } from 'vitest'
import { niceEnd } from './nice-scale.ts'

test('an axis ends at a round number that holds the largest value', () => {
  expect([0.0034, 0.05, 0.21, 1, 1.01, 5.2, 61, 100, 601].map(niceEnd)).toEqual([
    0.004, 0.06, 0.4, 1, 2, 6, 100, 100, 1_000,
  ])
})

test('an axis of nothing still has a length', () => {
  expect([0, -1].map(niceEnd)).toEqual([1, 1])
})
