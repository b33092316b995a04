import { describe, expect, test } from 'vitest'
import type { GateSpec } from '../pipeline/pipeline.ts'
import { decideGate } from './decide-gate.ts'
import type { EvaluationResult, RowOutcomes } from './evaluation-result.ts'
import { placesOf, rowsOf } from './judge-answers.ts'
import { measureAll } from './measure.ts'
import { pickRows } from './judged-rows.ts'

const DIGEST = 'sha256:00'
const AGAINST: GateSpec = {
  kind: 'champion',
  name: 'accuracy-vs-champion',
  metric: 'accuracy',
  margin: 0.02,
  confidence: 0.95,
  minRows: 1,
}
const FLOOR: GateSpec = { kind: 'absolute', name: 'accuracy', metric: 'accuracy', min: 0.9, minRows: 1 }

/** Rows of class 0, of which a model gets the first `right` right. */
function answers(rows: number, right: number): number[] {
  return Array.from({ length: rows }, (_, i) => (i < right ? 0 : 1))
}

function evidence(
  rows: number,
  candidateRight: number,
  championRight?: number,
  inks: readonly string[] = ['dark', 'light'],
) {
  const outcomes: RowOutcomes = {
    task: 'classification',
    classes: ['0', '1'],
    truth: answers(rows, rows),
    candidate: { predicted: answers(rows, candidateRight) },
    ...(championRight === undefined ? {} : { champion: { predicted: answers(rows, championRight) } }),
    slices: [{ column: 'ink', values: inks, of: answers(rows, rows).map((_, i) => i % inks.length) }],
  }
  const candidate = rowsOf(outcomes, outcomes.candidate)
  const result: EvaluationResult = {
    task: 'classification',
    rows,
    label: 'label',
    source: 'hosts',
    candidate: { bundle: DIGEST, metrics: measureAll(candidate, ['accuracy']) },
    ...(outcomes.champion === undefined ? {} : { champion: { version: 3, bundle: DIGEST, metrics: {} } }),
    slices: inks.map((value, place) => {
      const places = placesOf(outcomes.slices[0]!.of, inks.length)[place]!
      return {
        column: 'ink',
        value,
        rows: places.length,
        candidate: measureAll(pickRows(candidate, places), ['accuracy']),
      }
    }),
    latency: { requests: 200, warmUp: 10, p50: 1, p95: 12.34, p99: 30 },
    outcomes: { kind: 'file', digest: DIGEST, size: 1 },
    notes: [],
  }
  return { result, outcomes }
}

describe('against the champion', () => {
  test('a much worse model fails, and the sentence says by how much', () => {
    const verdict = decideGate(AGAINST, evidence(450, 379, 435))

    expect(verdict.outcome).toBe('fail')
    expect(verdict.summary).toMatch(
      /^accuracy 0\.842 against the champion's 0\.967: worse by 0\.124 \(95 % interval 0\.09\d* to 0\.1[56]\d* worse\), margin 0\.02$/,
    )
  })

  test('the same model passes with a margin that the rows support', () => {
    expect(decideGate(AGAINST, evidence(450, 435, 435))).toMatchObject({
      outcome: 'pass',
      summary: expect.stringContaining(': equal (') as string,
    })
  })

  test('a better model passes', () => {
    expect(decideGate(AGAINST, evidence(450, 440, 400))).toMatchObject({
      outcome: 'pass',
      summary: expect.stringContaining('better by 0.089') as string,
    })
  })

  test("a model that may be worse by more than the margin, or not, is a person's to judge", () => {
    const verdict = decideGate(AGAINST, evidence(450, 428, 435))

    expect(verdict.outcome).toBe('inconclusive')
    expect(verdict.summary).toContain('450 rows are too few to tell')
  })

  test('a few rows on which both agree prove nothing', () => {
    expect(decideGate(AGAINST, evidence(5, 5, 5)).outcome).toBe('inconclusive')
  })

  test('without a champion there is nothing to compare with', () => {
    expect(decideGate(AGAINST, evidence(450, 400)).outcome).toBe('not-applicable')
  })

  test('a champion that failed is no evidence for the candidate', () => {
    const { result, outcomes } = evidence(450, 450)
    const failed = { ...result, champion: { version: 3, bundle: DIGEST, failed: 'column p3 is gone' } } as const

    expect(decideGate(AGAINST, { result: failed, outcomes })).toMatchObject({
      outcome: 'inconclusive',
      summary: 'the champion (version 3) could not be evaluated: column p3 is gone',
    })
  })

  test('a metric that is no mean of rows is compared by resampling both models together', () => {
    const gate = { ...AGAINST, metric: 'balanced-accuracy' }

    expect(decideGate(gate, evidence(450, 379, 435)).outcome).toBe('fail')
    expect(decideGate(gate, evidence(450, 435, 435)).outcome).toBe('pass')
  })
})

describe('a bound', () => {
  test('is held against the measured value, with the interval beside it', () => {
    expect(decideGate(FLOOR, evidence(100, 95))).toMatchObject({
      outcome: 'pass',
      summary: 'accuracy 0.950 (95 % interval 0.887 to 0.984) on 100 rows, at least 0.9 wanted',
    })
    expect(decideGate(FLOOR, evidence(100, 89)).outcome).toBe('fail')
  })

  test('on a metric that does not exist, or without an evaluation, is never a pass', () => {
    expect(decideGate({ ...FLOOR, metric: 'auc' }, evidence(100, 95)).outcome).toBe('inconclusive')
    expect(decideGate(FLOOR, {}).outcome).toBe('inconclusive')
    expect(decideGate(AGAINST, {}).outcome).toBe('inconclusive')
  })

  test('on latency is held against the percentile', () => {
    const gate = { kind: 'latency', name: 'latency-p95', percentile: 95, maxMs: 20 } as const

    expect(decideGate(gate, evidence(10, 10))).toMatchObject({
      outcome: 'pass',
      summary: 'latency p95 12.3 ms over 200 requests of one row each, after 10 to warm up, at most 20 ms wanted',
    })
    expect(decideGate({ ...gate, maxMs: 12 }, evidence(10, 10)).outcome).toBe('fail')
    expect(decideGate(gate, {}).outcome).toBe('inconclusive')
  })
})

describe('per slice', () => {
  const gate: GateSpec = { ...FLOOR, name: 'accuracy-ink', slice: 'ink', minRows: 40 }

  test('every value with enough rows must hold', () => {
    expect(decideGate(gate, evidence(100, 95)).outcome).toBe('pass')
    expect(decideGate(gate, evidence(100, 80))).toMatchObject({
      outcome: 'fail',
      summary: expect.stringContaining('ink = dark: accuracy') as string,
    })
  })

  test('values with too few rows are named, and when there are no others nothing is decided', () => {
    const three = evidence(100, 95, undefined, ['a', 'b', 'c'])

    expect(decideGate(gate, three)).toMatchObject({
      outcome: 'inconclusive',
      summary: 'no value of ink has 40 rows to be judged by',
    })
    expect(decideGate({ ...gate, minRows: 34 }, three)).toMatchObject({
      outcome: 'pass',
      summary: 'accuracy holds for 1 values of ink; not judged, with fewer than 34 rows: b, c',
    })
    expect(decideGate({ ...gate, slice: 'gone' }, three).outcome).toBe('inconclusive')
  })

  test('against the champion each value is compared by itself', () => {
    const sliced = { ...AGAINST, slice: 'ink', minRows: 1 }

    expect(decideGate(sliced, evidence(900, 700, 880)).outcome).toBe('fail')
    expect(decideGate(sliced, evidence(2_000, 1_950, 1_950)).outcome).toBe('pass')
  })
})
