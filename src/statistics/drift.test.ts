import { expect, test } from 'vitest'
import { decideDrift, decideFeatureDrift } from './decide-drift.ts'
import { driftDistances } from './drift-distance.ts'
import { driftTest } from './drift-test.ts'
import golden from './golden.json' with { type: 'json' }
import { benjaminiHochberg, bonferroni } from './multiple-testing.ts'
import { normalQuantile } from './normal.ts'
import { SeededRandom } from './random.ts'
import { countInBins, countInCategories, referenceBins, referenceCategories } from './reference-bins.ts'

function normals(random: SeededRandom, count: number, mean = 0, deviation = 1): Float64Array {
  return Float64Array.from({ length: count }, () => mean + deviation * normalQuantile(random.next() + 2 ** -33))
}

function counts(reference: Float64Array, current: Float64Array): { reference: number[]; current: number[] } {
  const edges = referenceBins(reference)
  return { reference: countInBins(reference, edges), current: countInBins(current, edges) }
}

test('distances and the chi-square test agree with SciPy', () => {
  for (const { reference, current, statistic, degreesOfFreedom, pValue, ...wanted } of golden.drift) {
    const distances = driftDistances(reference, current)
    const result = driftTest(reference, current)

    expect(result.statistic).toBeCloseTo(statistic, 9)
    expect(result.degreesOfFreedom).toBe(degreesOfFreedom)
    expect(Math.abs(result.pValue - pValue)).toBeLessThan(1e-9 * pValue)
    for (const [name, value] of Object.entries(wanted))
      expect(distances[name as keyof typeof wanted]).toBeCloseTo(value, 9)
  }
})

test('corrected p-values agree with SciPy', () => {
  const { pValues, adjusted } = golden.benjaminiHochberg

  for (const [i, value] of benjaminiHochberg(pValues).entries()) expect(value).toBeCloseTo(adjusted[i]!, 12)
  expect(bonferroni([0.01, 0.6])).toEqual([0.02, 1])
})

test('twenty bins hold about a twentieth of a continuous column each', () => {
  const values = normals(new SeededRandom(1), 5000)

  const edges = referenceBins(values)

  expect(edges).toHaveLength(19)
  for (const count of countInBins(values, edges)) expect(count).toBe(250)
})

test('a heavy value has a bin of its own, with room for the unseen beside it', () => {
  const edges = referenceBins([...Array(50).fill(0), ...Array.from({ length: 50 }, (_, i) => i + 1)])

  expect(edges.slice(0, 2)).toEqual([-0.5, 0.5])
  expect(countInBins([-3, 0, 0, 0.4, 1], edges).slice(0, 3)).toEqual([1, 3, 1])
})

test('a value read as float32 falls into the bin of its own double', () => {
  const reference = [...Array(50).fill(0.1), ...Array(50).fill(0.2), ...Array(50).fill(0.7)]
  const edges = referenceBins(reference)

  expect(countInBins(Float32Array.from(reference), edges)).toEqual(countInBins(reference, edges))
})

test('a column with one value notices any other', () => {
  const edges = referenceBins([4, 4, 4])

  expect(countInBins([3.9, 4, 4, 4.1, Number.NaN], edges)).toEqual([1, 2, 1])
})

test('adjacent doubles are kept apart', () => {
  const next = 1 + Number.EPSILON
  const edges = referenceBins([1, 1, next, next])

  expect(countInBins([1, next], edges).filter((count) => count > 0)).toEqual([1, 1])
})

test('rare and unseen categories are counted together', () => {
  const categories = referenceCategories(
    new Map([
      ['red', 5],
      ['blue', 9],
      ['green', 1],
    ]),
    2,
  )

  expect(categories).toEqual(['blue', 'red'])
  expect(
    countInCategories(
      new Map([
        ['red', 2],
        ['pink', 3],
        ['green', 4],
      ]),
      categories,
    ),
  ).toEqual([0, 2, 7])
})

test('without drift, fewer windows than alpha raise an alarm, at any size and shape', () => {
  const random = new SeededRandom(2)
  let alarms = 0

  for (let i = 0; i < 300; i++) {
    const [n, m] = [
      [5000, 300],
      [1000, 1000],
      [500, 400],
    ][i % 3]!
    const decision = decideDrift(counts(normals(random, n!), normals(random, m!)), {
      alpha: 0.05,
      minimumEffect: 0,
      minimumRows: 100,
    })
    if (decision.outcome === 'drift') alarms++
  }

  expect(alarms / 300).toBeLessThan(0.08)
  expect(alarms / 300).toBeGreaterThan(0.02)
})

test('fifty clean features together alarm no more often than one', () => {
  const random = new SeededRandom(3)
  let alarms = 0

  for (let day = 0; day < 60; day++) {
    const features = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [
        `f${i}`,
        { reference: uniformCounts(random, 2000), current: uniformCounts(random, 500) },
      ]),
    )
    if (decideFeatureDrift(features, { alpha: 0.05, minimumEffect: 0 }).outcome === 'drift') alarms++
  }

  expect(alarms).toBeLessThanOrEqual(8)
})

function uniformCounts(random: SeededRandom, rows: number): number[] {
  const drawn = new Uint32Array(rows)
  random.fillIndices(drawn, 20)
  const counted = Array.from({ length: 20 }, () => 0)
  for (const bin of drawn) counted[bin]!++
  return counted
}

test('a significant trifle is not drift, a large shift is', () => {
  const random = new SeededRandom(4)
  const trifle = decideDrift(counts(normals(random, 50_000), normals(random, 50_000, 0.05)))
  const shift = decideDrift(counts(normals(random, 5000), normals(random, 500, 0.8)))

  expect(trifle.pValue).toBeLessThan(0.001)
  expect(trifle.outcome).toBe('no-drift')
  expect(shift.outcome).toBe('drift')
  expect(shift.effect).toBeGreaterThan(0.25)
})

test('a category that the reference never had is drift', () => {
  expect(decideDrift({ reference: [500, 500, 0], current: [200, 200, 100] }).outcome).toBe('drift')
})

test('too few rows are neither drift nor its absence', () => {
  const few = decideDrift({ reference: [500, 500], current: [0, 250] })
  const thin = decideDrift({ reference: Array(400).fill(1), current: Array(400).fill(1) })

  expect(few.outcome).toBe('too-few-rows')
  expect(thin.outcome).toBe('too-few-rows')
})

test('a column that never varies does not drift while it stays so', () => {
  expect(decideDrift({ reference: [0, 1000, 0], current: [0, 500, 0] })).toMatchObject({
    outcome: 'no-drift',
    pValue: 1,
    effect: 0,
  })
  expect(decideDrift({ reference: [0, 1000, 0], current: [0, 0, 500] }).outcome).toBe('drift')
})

test('drifted features are named, the largest change first', () => {
  const same = { reference: [500, 500], current: [250, 250] }
  const some = { reference: [500, 500], current: [100, 400] }
  const most = { reference: [500, 500], current: [10, 490] }

  expect(decideFeatureDrift({ same, some, most })).toMatchObject({ outcome: 'drift', drifted: ['most', 'some'] })
  expect(decideFeatureDrift({ same }).outcome).toBe('no-drift')
})
