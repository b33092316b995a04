import { describe, expect, test } from 'vitest'
import type { EnvironmentSpec, RolloutPhase } from '../../pipeline/pipeline.ts'
import { decideRollout, phasesOf, type RolloutView } from './rollout.ts'

const PHASES: readonly RolloutPhase[] = [
  { weight: 0.1, forMs: 10_000, minRequests: 100, atMostMs: 60_000 },
  { weight: 1, forMs: 5_000 },
]

const RULES = { rollout: PHASES } as EnvironmentSpec

function view(more: Partial<RolloutView> & { phase?: number; lastedMs?: number } = {}): RolloutView {
  const { phase = 0, lastedMs = 20_000, ...rest } = more
  return {
    deployment: { phase, phase_started_at: 1_000_000 },
    rules: RULES,
    hasChampion: true,
    verdicts: [],
    requests: 500,
    hostFailure: undefined,
    windowOpen: true,
    now: 1_000_000 + lastedMs,
    ...rest,
  }
}

const BROKEN = { rail: 'error-rate', outcome: 'broken', summary: '9 of 10 requests failed' } as const
const HOLDS = { rail: 'error-rate', outcome: 'holds', summary: '0 of 500 requests failed' } as const

describe('a phase', () => {
  test('lasts as long as it is told to', () => {
    expect(decideRollout(view({ lastedMs: 9_999 }))).toEqual({ kind: 'wait', why: 'the phase lasts 10 s' })
  })

  test('lasts until it has seen enough requests', () => {
    expect(decideRollout(view({ requests: 99 }))).toEqual({ kind: 'wait', why: 'fewer than 100 requests so far' })
  })

  test('is held past at-most, with the count it lacks', () => {
    expect(decideRollout(view({ requests: 99, lastedMs: 60_001 }))).toEqual({
      kind: 'hold',
      why: '99 of 100 requests within at-most: a person decides',
    })
  })

  test('past at-most with enough requests goes on', () => {
    expect(decideRollout(view({ lastedMs: 60_001 }))).toMatchObject({ kind: 'next-phase', phase: 1, weight: 1 })
  })

  test('goes on with what the rails say', () => {
    expect(decideRollout(view({ verdicts: [HOLDS] }))).toEqual({
      kind: 'next-phase',
      phase: 1,
      weight: 1,
      why: 'the rails held: 0 of 500 requests failed',
    })
  })

  test('that is the last one ends the rollout', () => {
    expect(decideRollout(view({ phase: 1 }))).toMatchObject({ kind: 'finish' })
  })

  test('keeps its weight while the window is closed; the last one has nothing left to move', () => {
    expect(decideRollout(view({ windowOpen: false }))).toEqual({
      kind: 'wait',
      why: 'the window is closed; the weight is kept',
    })
    expect(decideRollout(view({ windowOpen: false, phase: 1 }))).toMatchObject({ kind: 'finish' })
  })
})

describe('trouble', () => {
  test.each([
    ['in a closed window', { windowOpen: false }],
    ['before the phase is over', { lastedMs: 1 }],
    ['past at-most', { lastedMs: 1e9, requests: 0 }],
    ['in the last phase', { phase: 1 }],
  ])('goes before everything: a broken rail rolls back %s', (_, more) => {
    expect(decideRollout(view({ ...more, verdicts: [HOLDS, BROKEN] }))).toEqual({
      kind: 'roll-back',
      why: 'guard rail error-rate: 9 of 10 requests failed',
    })
  })

  test('of the host is named before that of the rails', () => {
    expect(decideRollout(view({ verdicts: [BROKEN], hostFailure: 'out of memory' }))).toEqual({
      kind: 'roll-back',
      why: 'its model host failed: out of memory',
    })
  })
})

test('without a champion all traffic moves at once', () => {
  expect(phasesOf(RULES, false)).toEqual([{ weight: 1, forMs: 0 }])
  expect(decideRollout(view({ hasChampion: false, lastedMs: 0, requests: 0 }))).toMatchObject({ kind: 'finish' })
})
