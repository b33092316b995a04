import { expect, test } from 'vitest'
import { niceSeconds } from './nice-scale.ts'

test('an axis ends at a round number of its unit that holds the largest value', () => {
  expect([0.0034, 0.05, 0.21, 1, 1.01, 5.2, 60].map(niceSeconds)).toEqual([0.004, 0.06, 0.4, 1, 2, 6, 60])
  expect([61, 1_202, 3_600, 5_000].map(niceSeconds)).toEqual([120, 2_400, 3_600, 7_200])
})

test('an axis of nothing still has a length', () => {
  expect([0, -1].map(niceSeconds)).toEqual([1, 1])
})
