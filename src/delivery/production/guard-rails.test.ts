import { describe, expect, test } from 'vitest'
import { LATENCY_BUCKETS_MS, type ArmCounters } from '../../core/route-table.ts'
import type { GuardRail } from '../../pipeline/pipeline.ts'
import { SeededRandom } from '../../statistics/random.ts'
import { FALSE_ROLLBACK, judgeRails, type RailEvidence } from './guard-rails.ts'

const INCREASE: GuardRail = { kind: 'errors', name: 'error-rate', maxIncrease: 0.01 }
const MOST: GuardRail = { kind: 'errors', name: 'error-rate', max: 0.05 }
const SLOW: GuardRail = { kind: 'latency', name: 'latency-p99', percentile: 99, maxMs: 250 }
const LABELS: GuardRail = { kind: 'labels', name: 'accuracy', metric: 'accuracy', min: 0.9, maxDecrease: 0.02 }

function arm(name: ArmCounters['arm'], requests: number, errors: number, slow = 0): ArmCounters {
  const latency = Array.from<number>({ length: LATENCY_BUCKETS_MS.length }).fill(0)
  latency[0] = requests - slow
  latency[LATENCY_BUCKETS_MS.indexOf(500)] = slow
  const place = { project: 'p', environment: 'e', epoch: 'x', inFlight: 0 }
  return { ...place, arm: name, version: name === 'champion' ? '1' : '2', requests, errors, latency }
}

function evidence(challenger: ArmCounters, champion?: ArmCounters, weight = 0.1): RailEvidence {
  return { weight, challenger, champion }
}

function outcomeOf(rail: GuardRail, given: RailEvidence): string | undefined {
  return judgeRails([rail], given, 2)[0]?.outcome
}

describe('max-increase', () => {
  test.each([
    ['nothing failed anywhere', [100, 0], [900, 0], 'holds'],
    ['both fail alike', [100, 5], [900, 45], 'holds'],
    ['it fails far more often', [100, 20], [900, 9], 'broken'],
    ['it failed twice, which may be chance', [100, 2], [900, 0], 'holds'],
    ['it surely fails more often, but not by so much', [100_000, 600], [900_000, 900], 'holds'],
  ] as const)('when %s', (_, [all, bad], [championAll, championBad], outcome) => {
    expect(outcomeOf(INCREASE, evidence(arm('challenger', all, bad), arm('champion', championAll, championBad)))).toBe(
      outcome,
    )
  })

  test('says nothing when all traffic is on one side', () => {
    expect(outcomeOf(INCREASE, evidence(arm('challenger', 100, 90), arm('champion', 100, 0), 1))).toBe('holds')
    expect(outcomeOf(INCREASE, evidence(arm('challenger', 100, 90)))).toBe('holds')
  })

  test('tells the numbers it went by', () => {
    const [verdict] = judgeRails([INCREASE], evidence(arm('challenger', 100, 20), arm('champion', 900, 9)), 1)

    expect(verdict?.summary).toMatch(
      /^20 of 100 requests failed, the champion's 9 of 900: 19 % more, 1\.0 % allowed \(evidence \d+ to 1\)$/,
    )
  })
})

test.each([
  ['before the first request', 0, 0, 'holds'],
  ['at the limit', 1_000, 50, 'holds'],
  ['surely above it', 100, 30, 'broken'],
  ['above it by chance', 10, 2, 'holds'],
])('the absolute rail %s', (_, all, bad, outcome) => {
  expect(outcomeOf(MOST, evidence(arm('challenger', all, bad), undefined, 1))).toBe(outcome)
})

test.each([
  ['one in a hundred is slow', 1_000, 10, 'holds'],
  ['one in ten is slow', 1_000, 100, 'broken'],
  ['the first request was slow', 1, 1, 'holds'],
])('the latency rail when %s', (_, all, slow, outcome) => {
  expect(outcomeOf(SLOW, evidence(arm('challenger', all, 0, slow)))).toBe(outcome)
})

test.each([
  ['there are none', undefined, 'holds'],
  ['there are too few', [100, 0, 900, 900], 'holds'],
  ['it is as good', [1_000, 950, 9_000, 8_550], 'holds'],
  ['it is surely below the least', [1_000, 700, 100, 95], 'broken'],
  ['it is surely worse than the champion', [20_000, 18_400, 20_000, 19_800], 'broken'],
] as const)('the rail on labels when %s', (_, counts, outcome) => {
  const labelled =
    counts === undefined
      ? undefined
      : { challenger: { rows: counts[0], right: counts[1] }, champion: { rows: counts[2], right: counts[3] } }

  expect(outcomeOf(LABELS, { ...evidence(arm('challenger', 0, 0)), labelled })).toBe(outcome)
})

/** A rollout of two phases with a look after every fifty requests; true when any rail ever breaks. */
function isRolledBack(random: SeededRandom, errorRate: number, slowRate: number): boolean {
  for (const weight of [0.1, 0.5]) {
    const counts = { challenger: [0, 0, 0], champion: [0, 0, 0] }
    for (let look = 0; look < 20; look++) {
      for (let request = 0; request < 50; request++) {
        const isChallenger = random.next() < weight
        const own = isChallenger ? counts.challenger : counts.champion
        own[0]! += 1
        if (random.next() < (isChallenger ? errorRate : 0.02)) own[1]! += 1
        if (random.next() < slowRate) own[2]! += 1
      }
      const [all, bad, slow] = counts.challenger as [number, number, number]
      const [championAll, championBad] = counts.champion as [number, number, number]
      const given = evidence(arm('challenger', all, bad, slow), arm('champion', championAll, championBad), weight)
      if (judgeRails([INCREASE, MOST, SLOW], given, 2).some(({ outcome }) => outcome === 'broken')) return true
    }
  }
  return false
}

test('a version within its rails is rolled back about as seldom as is promised, and a bad one nearly always', () => {
  const random = new SeededRandom(7)
  const rollouts = 200
  let falsely = 0
  let rightly = 0

  for (let index = 0; index < rollouts; index++) if (isRolledBack(random, 0.02, 0.01)) falsely += 1
  for (let index = 0; index < 20; index++) if (isRolledBack(random, 0.2, 0.01)) rightly += 1

  expect(falsely / rollouts).toBeLessThanOrEqual(2 * FALSE_ROLLBACK)
  expect(rightly).toBe(20)
})
