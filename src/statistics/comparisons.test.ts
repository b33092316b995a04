import { array, assert, integer, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inferFromSums } from './additive-bootstrap.ts'
import { sumParts } from './additive.ts'
import { drawBinomial } from './draw-binomial.ts'
import golden from './golden-comparisons.json' with { type: 'json' }
import { inferArea, inferAreaDifference, varianceOf } from './infer-area.ts'
import { errorOfAbove, errorOfBelow, intervalOf, type Inference } from './inference.ts'
import { holm } from './multiple-testing.ts'
import { inferPairedMean } from './paired-mean.ts'
import { inferPairedShares } from './paired-proportions.ts'
import { SeededRandom } from './random.ts'
import { areaInfluence, rankArea, rankRows } from './rank-area.ts'
import { inferShare } from './share.ts'
import { chanceToPass, rowsForMargin, smallestMargin } from './smallest-margin.ts'
import { sortedOrder, sortedWithOrder } from './sorted-order.ts'

const seed = 7

interface GoldenBootstrap {
  readonly differences: readonly number[]
  readonly weights?: readonly number[]
  readonly units?: readonly number[]
  readonly atLeast: number
  readonly standardError: number
}

describe('paired shares', () => {
  test('have the ends that a test of each difference gives (tools/golden/comparisons.py)', () => {
    for (const { confidence, atLeast, ...counts } of golden.tango) {
      const inference = inferPairedShares(counts)
      const swapped = { ...counts, candidateOnly: counts.championOnly, championOnly: counts.candidateOnly }

      expect(Math.abs(inference.atLeast(confidence) - atLeast), JSON.stringify(counts)).toBeLessThan(1e-7)
      expect(inferPairedShares(swapped).atMost(confidence)).toBeCloseTo(-inference.atLeast(confidence), 12)
    }
  })

  test('without rows nothing is known', () => {
    const { low, high } = intervalOf(inferPairedShares({ rows: 0, candidateOnly: 0, championOnly: 0 }), 0.95)

    expect([low, high]).toEqual([-1, 1])
  })
})

describe('areas under the curve', () => {
  test.each(golden.delong.map((given) => [given.one.length, given] as const))(
    'have the variance of DeLong (%i rows)',
    (_, { one, other, positive, areas, variance, varianceOfDifference }) => {
      const isPositive = Uint8Array.from(positive)
      const sampling = { rows: one.length }
      const ranked = [one, other].map((scores) => rankRows(Float64Array.from(scores), isPositive))
      const of = ranked.map((rows) => ({ of: [areaInfluence(rows, {})], shares: [1], isPositive }))
      const [first, second] = of.map(({ of: [area] }) => area!.influence) as [Float64Array, Float64Array]
      const difference = first.map((value, i) => value - second[i]!)

      expect(ranked.map((rows) => rankArea(rows))).toEqual(areas.map((area) => expect.closeTo(area, 12) as number))
      expect(varianceOf(first, of[0]!, sampling)).toBeCloseTo(variance, 12)
      expect(varianceOf(difference, of[0]!, sampling)).toBeCloseTo(varianceOfDifference, 12)
    },
  )

  test('that are perfect on few rows are not known to be perfect, and equal ones not known to be equal', () => {
    const rows = rankRows(Float64Array.of(0.1, 0.2, 0.3, 0.7, 0.8, 0.9), Uint8Array.of(0, 0, 0, 1, 1, 1))
    const areas = { of: [areaInfluence(rows, {})], shares: [1] }

    expect(inferArea(areas, { rows: 6 }).atLeast(0.95)).toBeLessThan(0.5)
    expect(inferAreaDifference(areas, areas, { rows: 6 }).atLeast(0.95)).toBeLessThan(-0.2)
  })

  test('of ten copies of each row are no better known when the copies are one unit', () => {
    const random = new SeededRandom(5)
    const isPositive = Uint8Array.from({ length: 300 }, () => Number(random.next() < 0.5))
    const scores = Float64Array.from(isPositive, (is) => random.next() + 0.4 * is)
    const ofCopies = Uint32Array.from({ length: 3_000 }, (_, i) => Math.floor(i / 10))
    const one = rankRows(scores, isPositive)
    const ten = rankRows(
      Float64Array.from(ofCopies, (i) => scores[i]!),
      Uint8Array.from(ofCopies, (i) => isPositive[i]!),
    )
    const areas = (rows: typeof one) => ({ of: [areaInfluence(rows, {})], shares: [1] })

    const alone = inferArea(areas(one), { rows: 300 }).atLeast(0.95)
    const units = { of: ofCopies, count: 300 }
    const together = inferArea(areas(ten), { rows: 3_000, units }).atLeast(0.95)

    expect(together).toBeCloseTo(alone, 3)
    expect(inferArea(areas(ten), { rows: 3_000 }).atLeast(0.95)).toBeGreaterThan(alone + 0.02)
  })
})

describe('a bootstrap of sums', () => {
  /** Right answers: 850 of 1,000. */
  const slot = Uint8Array.from({ length: 1_000 }, (_, i) => Number(i % 20 < 17))
  const share = (sums: Float64Array): number => sums[1]! / (sums[0]! + sums[1]!)
  const asCells = [{ width: 2, slot }]
  const asValues = [{ width: 2, slot, values: new Float64Array(1_000).fill(1) }]

  test('draws cells where rows are only counted, and says the same as drawing rows', () => {
    const cells = inferFromSums({ parts: asCells, of: share, sampling: { rows: 1_000 }, seed })
    const rows = inferFromSums({ parts: asValues, of: share, sampling: { rows: 1_000 }, seed })
    const exact = inferShare(850, 1_000)

    expect([cells.method, rows.method]).toEqual(['bootstrap of cell counts', 'bootstrap of rows'])
    for (const { atLeast, atMost } of [cells, rows]) {
      expect(Math.abs(atLeast(0.975) - exact.atLeast(0.975))).toBeLessThan(0.003)
      expect(Math.abs(atMost(0.975) - exact.atMost(0.975))).toBeLessThan(0.003)
    }
  })

  test.each((golden.bootstrap as GoldenBootstrap[]).map((given, i) => [i, given] as const))(
    'ends where drawing units one by one does (%i, tools/golden/comparisons.py)',
    (_, { differences, weights, units, atLeast, standardError }) => {
      const rows = differences.length
      const sampling = {
        rows,
        ...(weights === undefined ? {} : { weights: Float64Array.from(weights) }),
        ...(units === undefined ? {} : { units: { of: Uint32Array.from(units), count: new Set(units).size } }),
      }
      const parts = [{ width: 1, values: Float64Array.from(differences) }, { width: 1 }]

      const inference = inferFromSums({ parts, of: (sums) => sums[0]! / sums[1]!, sampling, seed })

      // Three standard errors of a 5 % quantile of 2,000.
      expect(Math.abs(inference.atLeast(0.95) - atLeast)).toBeLessThan(0.15 * standardError)
    },
  )

  test('draws groups where rows are many, and finds the spread of the rows', () => {
    const rows = 200_000
    const many = Uint8Array.from({ length: rows }, (_, i) => Number(i % 20 < 17))
    const parts = [{ width: 2, slot: many, values: new Float64Array(rows).fill(1) }]

    const groups = inferFromSums({ parts, of: share, sampling: { rows }, seed })
    const exact = inferShare(170_000, rows)

    expect(groups.method).toBe('bootstrap of 1000 groups of rows')
    const width = groups.atMost(0.975) - groups.atLeast(0.975)
    expect(width / (exact.atMost(0.975) - exact.atLeast(0.975))).toBeCloseTo(1, 0.5)
  })

  test('draws units where rows belong together', () => {
    const of = Uint32Array.from({ length: 1_000 }, (_, i) => Math.floor(i / 20))
    const copies = { width: 2, slot: Uint8Array.from(of, (unit) => Number(unit % 20 < 17)) }

    const units = inferFromSums({
      parts: [copies],
      of: share,
      sampling: { rows: 1_000, units: { of, count: 50 } },
      seed,
    })

    expect(units).toMatchObject({ method: 'bootstrap of units', units: 50 })
    expect(units.atMost(0.975) - units.atLeast(0.975)).toBeGreaterThan(0.15)
  })

  test("of few units reaches at least as far as Student's interval, and of one says nothing", () => {
    const values = Float64Array.of(2.1, 3.4, 1.9, 2.8, 4.4, 2.2)
    const mean = (some: Float64Array): Inference =>
      inferFromSums({
        parts: [{ width: 1, values: some }, { width: 1 }],
        of: (sums) => sums[0]! / sums[1]!,
        sampling: { rows: some.length },
        seed,
      })

    // scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95): 1.796 to 3.804.
    const { low, high } = intervalOf(mean(values), 0.95)
    expect(low).toBeGreaterThan(1.796 - 0.08)
    expect(low).toBeLessThan(1.796 + 0.08)
    expect(high).toBeGreaterThan(3.804 - 0.08)
    expect(high).toBeLessThan(3.804 + 0.08)
    const one = mean(values.subarray(0, 1))
    expect(one.estimate).toBe(2.1)
    expect(intervalOf(one, 0.95)).toEqual({ low: Number.NaN, high: Number.NaN })
  })

  test('says nothing of a number that many resamples do not have', () => {
    const rare = [{ width: 2, slot: Uint8Array.from({ length: 10 }, (_, i) => Number(i === 0)) }]
    const of = (sums: Float64Array): number => (sums[1]! > 0 ? 1 : Number.NaN)

    const inference = inferFromSums({ parts: rare, of, sampling: { rows: 10 }, seed })

    expect(inference.estimate).toBe(1)
    expect(inference.atLeast(0.95)).toBeNaN()
  })
})

describe('a paired mean', () => {
  const pairs = (random: SeededRandom, rows: number, discordance: number) => {
    const draws = Array.from({ length: rows }, () => random.next())
    return {
      candidate: Float64Array.from(draws, (draw) => Number(draw >= discordance / 2)),
      champion: Float64Array.from(draws, (draw) => Number(draw < discordance / 2 || draw >= discordance)),
    }
  }

  test('of ten thousand rows has the textbook interval', () => {
    const rows = pairs(new SeededRandom(2), 10_000, 0.1)
    const differences = rows.candidate.map((value, i) => value - rows.champion[i]!)
    const mean = differences.reduce((sum, value) => sum + value, 0) / 10_000
    const squares = differences.reduce((sum, value) => sum + value * value, 0) / 10_000
    const standardError = Math.sqrt((squares - mean ** 2) / 10_000)

    const found = inferPairedMean({ ...rows, sampling: { rows: 10_000 }, seed })

    expect(found.estimate).toBeCloseTo(mean, 12)
    expect(Math.abs(found.atLeast(0.975) - (mean - 1.96 * standardError))).toBeLessThan(0.0005)
    expect(Math.abs(found.atMost(0.95) - (mean + 1.645 * standardError))).toBeLessThan(0.0005)
  })

  test('of twenty rows without a difference proves little, of four thousand much', () => {
    const equal = (rows: number) => {
      const ones = new Float64Array(rows).fill(1)
      return inferPairedMean({ candidate: ones, champion: ones, sampling: { rows }, seed })
    }

    expect(equal(20).atLeast(0.95)).toBeLessThan(-0.08)
    expect(equal(4_000).atLeast(0.95)).toBeGreaterThan(-0.001)
  })

  test('of few rows that are equal to the last digit proves little, whatever is measured', () => {
    const equal = (values: Float64Array) =>
      inferPairedMean({ candidate: values, champion: values, sampling: { rows: values.length }, seed }).atLeast(0.95)
    const random = new SeededRandom(1)
    const errors = Float64Array.from({ length: 400 }, () => 100 * random.next())

    expect(equal(errors.subarray(0, 5))).toBeLessThan(-5)
    expect(equal(new Float64Array(5).fill(0.8))).toBeLessThan(-0.1)
    expect(equal(errors)).toBeGreaterThan(-0.5)
  })

  test('of scores between 0 and 1 that differ little is known well: a score is no right or wrong answer', () => {
    const random = new SeededRandom(1)
    const champion = Float64Array.from({ length: 400 }, () => 0.6 + 0.3 * random.next())
    const candidate = champion.map((value) => value + 0.1 * (random.next() - 0.5))

    const { estimate, atLeast } = inferPairedMean({ candidate, champion, sampling: { rows: 400 }, seed })

    // 1.645 standard errors of the mean are 0.0024.
    expect(estimate - atLeast(0.95)).toBeGreaterThan(0.0022)
    expect(estimate - atLeast(0.95)).toBeLessThan(0.0028)
  })

  test('a row of weight zero does not count', () => {
    const weights = Float64Array.of(1, 0, 3)
    const rows = { candidate: Float64Array.of(1, 0, 1), champion: Float64Array.of(0, 1, 0) }

    expect(inferPairedMean({ ...rows, sampling: { rows: 3, weights }, seed }).estimate).toBe(1)
  })
})

describe('the smallest margin', () => {
  test('450 rows support 0.02 and not 0.005; the fewest rows for a margin are the fewest', () => {
    const rows = rowsForMargin(0.005, { confidence: 0.95 })

    expect(smallestMargin({ rows: 450, confidence: 0.95 })).toBeGreaterThan(0.005)
    expect(smallestMargin({ rows: 450, confidence: 0.95 })).toBeLessThan(0.02)
    expect(smallestMargin({ rows, confidence: 0.95 })).toBeLessThanOrEqual(0.005)
    expect(smallestMargin({ rows: rows - 1, confidence: 0.95 })).toBeGreaterThan(0.005)
  })

  test.each([30, 450, 20_000])('an equal candidate passes it as often as is said, on %i rows', (rows) => {
    const question = { rows, confidence: 0.95, discordance: 0.06 }
    const margin = smallestMargin(question)
    const random = new SeededRandom(rows)
    let passed = 0

    for (let i = 0; i < 4_000; i++) {
      const differing = drawBinomial(random, rows, 0.06)
      const candidateOnly = drawBinomial(random, differing, 0.5)
      const inference = inferPairedShares({ rows, candidateOnly, championOnly: differing - candidateOnly })
      if (inference.atLeast(0.95) >= -margin) passed++
    }

    // Three standard errors of 4,000 tries are 0.02.
    expect(Math.abs(passed / 4_000 - chanceToPass(margin, question))).toBeLessThan(0.02)
    expect(chanceToPass(margin, question)).toBeGreaterThanOrEqual(0.8)
  })
})

test('the error of saying "below" is the p-value of the exact test', () => {
  // 40 of 50 or fewer, were the share 0.9: 0.02454 (binomial).
  expect(errorOfBelow(inferShare(40, 50), 0.9)).toBeCloseTo(0.0245, 3)
  expect(errorOfBelow(inferShare(46, 50), 0.9)).toBe(1)
  expect(errorOfAbove(inferShare(50, 50), 0.8)).toBeLessThan(1e-4)
})

test("Holm's p-values are the textbook's, in the order given", () => {
  expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02].map((p) => expect.closeTo(p, 12) as number))
  expect(holm([])).toEqual([])
})

test.each([
  [20, 0.3],
  [1_000, 0.02],
  [1_000, 0.3],
  [100_000, 0.4],
  [50, 0.9],
])('draws of a binomial (%i trials of %f) have its mean and variance', (n, p) => {
  const random = new SeededRandom(n)
  const draws = Float64Array.from({ length: 40_000 }, () => drawBinomial(random, n, p))
  const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length
  const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length

  // Four standard errors of 40,000 draws.
  expect(Math.abs(mean - n * p)).toBeLessThan(4 * Math.sqrt((n * p * (1 - p)) / 40_000))
  expect(variance / (n * p * (1 - p))).toBeCloseTo(1, 1)
})

test('many numbers are put in the order that a comparison gives', () => {
  const random = new SeededRandom(3)
  const special = [0, -0, Infinity, -Infinity, Number.MIN_VALUE, -Number.MIN_VALUE, 1, 1]
  const values = Float64Array.from(
    { length: 25_000 },
    (_, i) => special[i] ?? Math.round(random.next() * 2_000 - 1_000) / 8,
  )

  const expected = Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]! || a - b)
  expect(sortedOrder(values)).toEqual(expected)
  for (const some of [values, values.subarray(0, 100)]) {
    const { sorted, order } = sortedWithOrder(some)
    expect(order).toEqual(sortedOrder(some))
    // Minus zero may come back as zero.
    const withoutSign = (value: number): number => value + 0
    expect(sorted.map(withoutSign)).toEqual(Float64Array.from(order, (place) => withoutSign(some[place]!)))
  }
})

test('sums by part are sums of rows, whatever the slots, values and weights', () => {
  const row = record({
    slot: integer({ min: 0, max: 3 }),
    value: integer({ min: -9, max: 9 }),
    weight: integer({ min: 0, max: 5 }),
  })
  assert(
    property(array(row, { maxLength: 30 }), (rows) => {
      const parts = [
        { width: 4, slot: rows.map(({ slot }) => slot) },
        { width: 1, values: Float64Array.from(rows, ({ value }) => value) },
      ]
      const sums = sumParts(
        parts,
        rows.length,
        Float64Array.from(rows, ({ weight }) => weight),
      )
      const total = (of: (one: (typeof rows)[number]) => number) => rows.reduce((sum, one) => sum + of(one), 0)

      for (let slot = 0; slot < 4; slot++) {
        expect(sums[slot]).toBe(total((one) => (one.slot === slot ? one.weight : 0)))
      }
      expect(sums[4]).toBe(total(({ value, weight }) => value * weight))
    }),
  )
})
