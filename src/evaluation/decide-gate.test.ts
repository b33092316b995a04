import { describe, expect, test } from 'vitest'
import type { GateSpec } from '../pipeline/pipeline.ts'
import { decideGate } from './decide-gate.ts'
import type { EvaluationResult, RowOutcomes } from './evaluation-result.ts'
import { placesOf, rowsOf } from './judge-answers.ts'
import { measureAll } from './measure.ts'
import { pickRows } from './judged-rows.ts'
import { SeededRandom } from '../statistics/random.ts'

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
    latency: { requests: 200, warmUp: 10, perSecond: 99.6, p50: 1, p95: 12.34, p99: 30 },
    outcomes: { kind: 'file', digest: DIGEST, size: 1 },
    notes: [],
  }
  return { result, outcomes }
}

test('recall says how many rows of its class it is a share of', () => {
  const { result, outcomes } = evidence(100, 90)
  const some = { ...outcomes, truth: answers(100, 40), positive: 0 }

  const { summary, evidence: told } = decideGate({ ...FLOOR, metric: 'recall' }, { result, outcomes: some })

  expect(summary).toMatch(/^recall 1\.000 \(95 % interval 0\.912 to 1\.000\) on 40 of 100 rows, at least 0\.9 wanted$/)
  expect(told).toMatchObject({ rows: 40 })
})

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

describe("a metric of the author's own, against the champion", () => {
  const DICE = { ...AGAINST, name: 'dice-vs-champion', metric: 'dice' } as const

  /** Overlaps of two models that go along; the candidate's are better by `advantage`. */
  function overlaps(
    rows: number,
    advantage: number,
    more: Partial<RowOutcomes> = {},
    better: 'higher' | 'lower' = 'higher',
  ) {
    const random = new SeededRandom(4)
    const champion = Float64Array.from({ length: rows }, () => 0.6 + 0.3 * random.next())
    const candidate = champion.map((value) => value + advantage + 0.1 * (random.next() - 0.5))
    const base = evidence(rows, rows, rows)
    const outcomes: RowOutcomes = {
      ...base.outcomes,
      ...more,
      ownColumns: { dice: 'overlap' },
      candidate: { ...base.outcomes.candidate, own: { dice: candidate } },
      champion: { ...base.outcomes.champion!, own: { dice: champion } },
    }
    return { result: { ...base.result, own: { dice: { better } }, source: 'author' } as const, outcomes }
  }

  test("passes, fails or is a person's to judge, by pairs of rows", () => {
    const worse = decideGate(DICE, overlaps(400, -0.05))

    expect(decideGate(DICE, overlaps(400, 0)).outcome).toBe('pass')
    expect(decideGate(DICE, overlaps(400, -0.02)).outcome).toBe('inconclusive')
    expect(worse.outcome).toBe('fail')
    expect(worse.summary).toMatch(
      /^dice 0\.\d+ against the champion's 0\.\d+: worse by 0\.0\d+ \(95 % interval 0\.04\d* to 0\.05\d* worse\), margin 0\.02$/,
    )
    expect(worse.evidence).toMatchObject({ method: 'paired bootstrap of rows', rows: 400, margin: 0.02 })
    // Unpaired the two means would be told apart by 0.3 / √12 · √(2 / 400) · 1.96 = 0.012 at best.
    const { low, high } = worse.evidence as { low: number; high: number }
    expect(high - low).toBeLessThan(0.012)
  })

  test('of which less is better is worse when it rises', () => {
    expect(decideGate(DICE, overlaps(400, 0.05, {}, 'lower')).outcome).toBe('fail')
    expect(decideGate(DICE, overlaps(400, -0.05, {}, 'lower')).outcome).toBe('pass')
  })

  test('counts units, not rows, and rows by their weight', () => {
    const units = Uint32Array.from({ length: 400 }, (_, i) => Math.floor(i / 20))
    const weights = Float64Array.from({ length: 400 }, (_, i) => Number(i < 10))

    const few = decideGate(DICE, overlaps(400, -0.05, { units }))
    const [all, light] = [{}, { weights }].map((more) => decideGate(DICE, overlaps(400, -0.01, more)).evidence)

    expect(few.evidence).toMatchObject({ rows: 20, method: 'paired bootstrap of units' })
    const width = ({ low, high }: { low?: number; high?: number }): number => high! - low!
    // Ten rows of four hundred: √40 times as wide.
    expect(width(light!) / width(all!)).toBeGreaterThan(4)
    expect(width(light!) / width(all!)).toBeLessThan(12)
  })

  test('is compared for each value of a slice', () => {
    const sliced = { ...DICE, slice: 'ink', minRows: 50 }

    expect(decideGate(sliced, overlaps(400, 0)).outcome).toBe('pass')
    expect(decideGate(sliced, overlaps(400, -0.05))).toMatchObject({
      outcome: 'fail',
      summary: expect.stringContaining('ink = dark: dice 0.') as string,
      evidence: {
        judged: [
          { value: 'dark', rows: 200 },
          { value: 'light', rows: 200 },
        ],
      },
    })
  })

  test('that one of the two lacks, or has gaps, is never a pass', () => {
    const { result, outcomes } = overlaps(400, 0)
    const without = { ...outcomes, champion: { predicted: outcomes.champion!.predicted } }
    const gaps = Float64Array.from(outcomes.candidate.own!['dice']!).fill(Number.NaN, 3, 5)
    const gappy = { ...outcomes, candidate: { ...outcomes.candidate, own: { dice: gaps } } }

    expect(decideGate(DICE, { result, outcomes: without })).toMatchObject({
      outcome: 'inconclusive',
      summary: 'dice cannot be compared: the champion: no dice was measured',
    })
    expect(decideGate(DICE, { result, outcomes: gappy })).toMatchObject({
      outcome: 'inconclusive',
      summary: 'dice cannot be compared: 2 rows have no value',
    })
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
      summary:
        "latency p95 12.3 ms at the candidate's own endpoint behind the gateway, over 200 requests of one row each, 100 a second after 10 to warm up, at most 20 ms wanted",
    })
    expect(decideGate({ ...gate, maxMs: 12 }, evidence(10, 10)).outcome).toBe('fail')
    expect(decideGate(gate, {}).outcome).toBe('inconclusive')
  })
})

describe('on rows that tell little', () => {
  const PROVED = { ...FLOOR, confidence: 0.95 } as const

  /** Both models answer alike, and well. */
  function alike(more: Partial<RowOutcomes> = {}) {
    const { result, outcomes } = evidence(200, 200, 200)
    return { result, outcomes: { ...outcomes, truth: answers(200, 100), ...more } }
  }
  const right = { predicted: answers(200, 100) }

  test('one unit proves nothing, whatever it holds', () => {
    const given = alike({ candidate: right, champion: right, units: new Uint32Array(200) })

    for (const metric of ['accuracy', 'f1-macro', 'balanced-accuracy']) {
      expect(decideGate({ ...PROVED, metric }, given).outcome, metric).toBe('inconclusive')
      expect(decideGate({ ...AGAINST, metric }, given)).toMatchObject({
        outcome: 'inconclusive',
        summary: `${metric} cannot be compared: all rows belong together: one unit is too few`,
      })
    }
  })

  test('rows of one class have no area, and scores that are all equal have one of a half', () => {
    const equal = { predicted: answers(200, 100), scores: new Float64Array(400).fill(0.5) }
    const one = alike({ truth: answers(200, 200), candidate: equal, champion: equal })
    const both = alike({ candidate: equal, champion: equal })

    for (const gate of [
      { ...FLOOR, metric: 'auc' },
      { ...AGAINST, metric: 'auc' },
    ])
      expect(decideGate(gate, one)).toMatchObject({
        outcome: 'inconclusive',
        summary: expect.stringContaining('it needs rows of more than one class') as string,
      })
    expect(decideGate({ ...FLOOR, metric: 'auc', min: 0.51 }, both)).toMatchObject({
      outcome: 'fail',
      evidence: { value: 0.5 },
    })
    expect(decideGate({ ...PROVED, metric: 'auc', min: 0.5 }, both).outcome).toBe('inconclusive')
  })

  test('scores that are all missing are told, on either side', () => {
    const good = { ...right, scores: Float64Array.from({ length: 400 }, (_, i) => Number(i % 2 === Number(i >= 200))) }
    const missing = { ...right, scores: new Float64Array(400).fill(Number.NaN) }
    const gate = { ...AGAINST, metric: 'auc' }

    expect(decideGate(gate, alike({ candidate: good, champion: missing }))).toMatchObject({
      outcome: 'inconclusive',
      summary: 'auc cannot be compared: the champion: 200 rows have no score',
    })
    expect(decideGate({ ...FLOOR, metric: 'log-loss', min: -1 }, alike({ candidate: missing }))).toMatchObject({
      outcome: 'inconclusive',
      summary: 'log-loss cannot be computed: 200 rows have no score',
    })
  })

  test('a slice without rows is named, and proves nothing when there is no other', () => {
    const gate = { ...FLOOR, slice: 'ink', min: 0.5 }
    const slices = (of: number) => [{ column: 'ink', values: ['dark', 'light'], of: new Uint8Array(200).fill(of) }]

    expect(decideGate(gate, alike({ candidate: right, slices: slices(0) }))).toMatchObject({
      outcome: 'pass',
      evidence: { skipped: [{ value: 'light', rows: 0 }] },
    })
    expect(decideGate(gate, alike({ candidate: right, slices: slices(2) })).outcome).toBe('inconclusive')
  })
})

test('values that are not looked at are no pass where they may have rows enough', () => {
  const right = answers(100, 100)
  // 40 dark, 40 light and 20 of any number of other values.
  const of = Uint8Array.from(right, (_, i) => (i < 40 ? 0 : i < 80 ? 1 : 2))
  const base = evidence(100, 100)
  const given = { ...base, outcomes: { ...base.outcomes, slices: [{ column: 'ink', values: ['dark', 'light'], of }] } }
  const decided = (minRows: number) => decideGate({ ...FLOOR, slice: 'ink', minRows }, given)

  expect(decided(20)).toMatchObject({
    outcome: 'inconclusive',
    summary:
      'accuracy holds for 2 values of ink; 20 rows have rarer values that are not looked at, of up to 20 rows each: `min-rows: 21` leaves them out',
  })
  expect(decided(21)).toMatchObject({
    outcome: 'pass',
    summary: 'accuracy holds for 2 values of ink; 20 rows have rarer values that are not looked at',
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
      summary: 'accuracy holds for 1 value of ink; not judged, with fewer than 34 rows: b, c',
    })
    expect(decideGate({ ...gate, slice: 'gone' }, three).outcome).toBe('inconclusive')
  })

  test('against the champion each value is compared by itself', () => {
    const sliced = { ...AGAINST, slice: 'ink', minRows: 1 }

    expect(decideGate(sliced, evidence(900, 700, 880)).outcome).toBe('fail')
    expect(decideGate(sliced, evidence(2_000, 1_950, 1_950)).outcome).toBe('pass')
  })
})
