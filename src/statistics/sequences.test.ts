import { expect, test } from 'vitest'
import { guardRate, rateSequence } from './beta-binomial-sequence.ts'
import { differenceSequence, oneSidedHalfWidth, twoSidedHalfWidth } from './confidence-sequence.ts'
import { eventSplit, expectedDuration } from './event-split.ts'
import { SeededRandom } from './random.ts'

function evidence(weight: number, candidateBad: number): number {
  return eventSplit({ levels: [{ weight, candidateBad, championBad: 0 }], toleratedRatio: 1, alpha: 0.01 }).evidence
}

/** Looks every 500 requests; the candidate fails `ratio` times as often. True when it is ever rolled back. */
function isRolledBack(random: SeededRandom, ratio: number, alpha: number): boolean {
  const steps = [0.05, 0.25, 0.5].map((weight) => ({ weight, candidateBad: 0, championBad: 0 }))
  for (let look = 0; look < 60; look++) {
    const level = steps[Math.floor(look / 20)]!
    for (let i = 0; i < 500; i++) {
      const isCandidate = random.next() < level.weight
      if (random.next() < 0.02 * (isCandidate ? ratio : 1)) level[isCandidate ? 'candidateBad' : 'championBad']++
    }
    if (eventSplit({ levels: steps, toleratedRatio: 1, alpha }).decision === 'roll-back') return true
  }
  return false
}

test('bad answers of a small canary weigh more than those of a large one', () => {
  expect(evidence(0.01, 1)).toBeCloseTo(12, 0)
  expect(Math.round(evidence(0.01, 2))).toBe(399)
  expect(Math.round(evidence(0.05, 3))).toBe(877)
  expect(Math.round(evidence(0.1, 3))).toBe(181)
  expect(Math.round(evidence(0.5, 6))).toBe(24)
})

test('an equal candidate is rolled back less often than alpha, however often one looks', () => {
  const random = new SeededRandom(11)
  let rolledBack = 0

  for (let i = 0; i < 100; i++) if (isRolledBack(random, 1, 0.05)) rolledBack++

  expect(rolledBack).toBeLessThanOrEqual(8)
})

test('a candidate that fails four times as often is found', () => {
  const random = new SeededRandom(12)

  for (let i = 0; i < 20; i++) expect(isRolledBack(random, 4, 0.05)).toBe(true)
})

test('no rollback before five bad answers, and none from weights that say nothing', () => {
  const levels = [{ weight: 0.01, candidateBad: 4, championBad: 0 }]
  const without = [{ weight: 1, candidateBad: 900, championBad: 0 }]

  expect(eventSplit({ levels, toleratedRatio: 1, alpha: 0.01 }).decision).toBe('go-on')
  expect(eventSplit({ levels, toleratedRatio: 1, alpha: 0.01, minimumBad: 4 }).decision).toBe('roll-back')
  expect(eventSplit({ levels: without, toleratedRatio: 1, alpha: 0.01 })).toMatchObject({
    decision: 'go-on',
    evidence: 1,
  })
})

test('the expected duration is what was computed for the field note', () => {
  const base = { weight: 0.1, toleratedRatio: 1, alpha: 0.01, championBadRate: 0.005 }

  expect(expectedDuration({ ...base, ratio: 2 }).requests / 39_600).toBeCloseTo(1, 1)
  expect(expectedDuration({ ...base, ratio: 4 }).requests / 6260).toBeCloseTo(1, 1)
  expect(expectedDuration({ ...base, ratio: 10 }).requests / 1230).toBeCloseTo(1, 1)
  expect(expectedDuration({ ...base, ratio: 1 }).requests).toBe(Infinity)
})

test('the sequence for a rate has the known ends', () => {
  const some = rateSequence(8, 100, 0.05)
  const none = rateSequence(0, 50, 0.05)

  expect([some.low, some.high].map((end) => end.toFixed(3))).toEqual(['0.019', '0.200'])
  expect([none.low, none.high.toFixed(3)]).toEqual([0, '0.105'])
  expect(rateSequence(0, 0, 0.05)).toEqual({ low: 0, high: 1 })
})

test('the sequence for a rate misses the truth less often than alpha, at any of a thousand looks', () => {
  const random = new SeededRandom(13)
  let missed = 0

  for (let i = 0; i < 100; i++) {
    let bad = 0
    let hasMissed = false
    for (let total = 1; total <= 1000; total++) {
      if (random.next() < 0.1) bad++
      // Inside or not is what the ends say; one look in ten keeps the test quick.
      if (total % 10 === 0) hasMissed ||= isOutside(rateSequence(bad, total, 0.05), 0.1)
    }
    if (hasMissed) missed++
  }

  expect(missed).toBeLessThanOrEqual(8)
})

function isOutside({ low, high }: { low: number; high: number }, rate: number): boolean {
  return rate < low || rate > high
}

test('a rate is judged against its limit only when it is surely on one side', () => {
  expect(guardRate({ bad: 60, total: 1000, limit: 0.02, alpha: 0.01 }).decision).toBe('roll-back')
  expect(guardRate({ bad: 1, total: 5000, limit: 0.02, alpha: 0.01 }).decision).toBe('within')
  expect(guardRate({ bad: 3, total: 100, limit: 0.02, alpha: 0.01 }).decision).toBe('go-on')
})

// GrowthBook, packages/stats/tests/frequentist/test_tests.py (MIT).
test('the confidence sequence gives the numbers that GrowthBook publishes', () => {
  const half = twoSidedHalfWidth(0.33341, 6461, { alpha: 0.05, plannedRows: 1000 })

  expect(0.50336 - half).toBeCloseTo(-0.55844, 4)
  expect(0.50336 + half).toBeCloseTo(1.56516, 4)
  expect(0.5033610858562358 - oneSidedHalfWidth(0.3334122146400735, 6461, { alpha: 0.05 })).toBeCloseTo(
    -0.42356454602790883,
    9,
  )
})

test('a difference in means is estimated with both kinds of ends', () => {
  const found = differenceSequence(
    { count: 4000, mean: 0.7, variance: 0.21 },
    { count: 4000, mean: 0.8, variance: 0.16 },
    { alpha: 0.05 },
  )

  expect(found.estimate).toBeCloseTo(-0.1, 12)
  expect(found.high).toBeLessThan(0)
  expect(found.atMost).toBeLessThan(found.high)
  expect(found.low).toBeLessThan(found.atLeast)
})
