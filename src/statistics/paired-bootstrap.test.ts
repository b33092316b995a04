import { expect, test } from 'vitest'
import { bootstrapMetric } from './metric-bootstrap.ts'
import { pairedDifference } from './paired-bootstrap.ts'
import { SeededRandom } from './random.ts'
import { rowsForMargin, smallestMargin } from './smallest-margin.ts'

const options = { confidence: 0.95, seed: 7 }

/** `rows` pairs of right (1) and wrong (0); exactly one is right on `discordance` of them, the candidate less often by `loss`. */
function answers(
  random: SeededRandom,
  rows: number,
  discordance: number,
  loss = 0,
): { candidate: number[]; champion: number[] } {
  const candidate: number[] = []
  const champion: number[] = []
  for (let i = 0; i < rows; i++) {
    const draw = random.next()
    const candidateWins = draw < (discordance - loss) / 2
    const championWins = !candidateWins && draw < discordance
    candidate.push(championWins ? 0 : 1)
    champion.push(candidateWins ? 0 : 1)
  }
  return { candidate, champion }
}

test('the same rows and seed give the same interval, another seed nearly the same', () => {
  const rows = answers(new SeededRandom(1), 450, 0.08)

  const first = pairedDifference({ ...rows, ...options })

  expect(pairedDifference({ ...rows, ...options })).toEqual(first)
  expect(pairedDifference({ ...rows, ...options, seed: 8 }).low).toBeCloseTo(first.low, 2)
})

test('ten thousand rows get the textbook interval', () => {
  const rows = answers(new SeededRandom(2), 10_000, 0.1)
  const wins = rows.candidate.filter((right, i) => right > rows.champion[i]!).length
  const losses = rows.candidate.filter((right, i) => right < rows.champion[i]!).length
  const mean = (wins - losses) / 10_000
  const standardError = Math.sqrt(((wins + losses) / 10_000 - mean ** 2) / 10_000)

  const found = pairedDifference({ ...rows, ...options })

  expect(found.estimate).toBeCloseTo(mean, 12)
  expect(Math.abs(found.low - (mean - 1.96 * standardError))).toBeLessThan(0.0005)
  expect(Math.abs(found.high - (mean + 1.96 * standardError))).toBeLessThan(0.0005)
  expect(Math.abs(found.atLeast - (mean - 1.645 * standardError))).toBeLessThan(0.0005)
})

test('twenty rows without a difference prove little, four thousand prove much', () => {
  const few = pairedDifference({ candidate: Array(20).fill(1), champion: Array(20).fill(1), ...options })
  const many = pairedDifference({ candidate: Array(4000).fill(1), champion: Array(4000).fill(1), ...options })

  expect(few.estimate).toBe(0)
  expect(few.atLeast).toBeLessThan(-0.08)
  expect(many.atLeast).toBeGreaterThan(-0.001)
})

test('a truly worse candidate passes its margin in at most one of twenty cases', () => {
  const random = new SeededRandom(3)
  let passed = 0

  for (let i = 0; i < 300; i++) {
    const rows = answers(random, 450, 0.06, 0.02)
    if (pairedDifference({ ...rows, confidence: 0.95, seed: i, resamples: 400 }).atLeast > -0.02) passed++
  }

  expect(passed / 300).toBeLessThan(0.075)
})

test('rows of one unit are drawn together, so ten copies of each row prove no more', () => {
  const rows = answers(new SeededRandom(4), 100, 0.2)
  const copied = {
    candidate: rows.candidate.flatMap((v) => Array(10).fill(v)),
    champion: rows.champion.flatMap((v) => Array(10).fill(v)),
  }
  const units = rows.candidate.flatMap((_, i) => Array(10).fill(`patient-${i}`))

  const alone = pairedDifference({ ...rows, ...options })
  const together = pairedDifference({ ...copied, units, ...options })

  expect(together.units).toBe(100)
  expect(together.low).toBeCloseTo(alone.low, 12)
  expect(pairedDifference({ ...copied, ...options }).low).toBeGreaterThan(alone.low)
})

test('a row of weight zero does not count', () => {
  const found = pairedDifference({ candidate: [1, 0, 1], champion: [0, 1, 0], weights: [1, 0, 3], ...options })

  expect(found).toMatchObject({ estimate: 1, units: 2 })
  expect(found.low).not.toBeNaN()
})

test('a pair of different lengths is refused', () => {
  expect(() => pairedDifference({ candidate: [1], champion: [1, 0], ...options })).toThrow(
    '1 candidate rows, 2 champion rows',
  )
  expect(() => pairedDifference({ candidate: [], champion: [], ...options })).toThrow('at least one row')
  expect(() => pairedDifference({ candidate: [1], champion: [0], weights: [0], ...options })).toThrow('row that counts')
})

test('a metric that is a mean gets the interval that the mean gets', () => {
  const rows = answers(new SeededRandom(5), 1000, 0.1)
  const metric = (weights: Float64Array): number => {
    let sum = 0
    let weight = 0
    for (let i = 0; i < weights.length; i++) {
      sum += weights[i]! * (rows.candidate[i]! - rows.champion[i]!)
      weight += weights[i]!
    }
    return sum / weight
  }

  const found = bootstrapMetric({ rows: 1000, metric, ...options })
  const mean = pairedDifference({ ...rows, ...options })

  expect(found.undefinedShare).toBe(0)
  expect(found.estimate).toBeCloseTo(mean.estimate, 12)
  expect(Math.abs(found.low - mean.low)).toBeLessThan(0.001)
})

test('a metric that some resamples do not have says how many', () => {
  const positives = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
  const metric = (weights: Float64Array): number => (weights[0]! > 0 ? positives[0]! : Number.NaN)

  const found = bootstrapMetric({ rows: 10, metric, ...options })

  expect(found.undefinedShare).toBeGreaterThan(0.3)
  expect(found.undefinedShare).toBeLessThan(0.4)
})

test('an equal candidate passes the smallest margin about as often as promised', () => {
  const margin = smallestMargin({ rows: 450, confidence: 0.95, discordance: 0.04 })
  const random = new SeededRandom(6)
  let passed = 0

  for (let i = 0; i < 300; i++) {
    const rows = answers(random, 450, 0.04)
    if (pairedDifference({ ...rows, confidence: 0.95, seed: i, resamples: 400 }).atLeast > -margin) passed++
  }

  expect(passed / 300).toBeGreaterThan(0.72)
  expect(passed / 300).toBeLessThan(0.88)
})

test('450 rows support a margin of 0.02 and not one of 0.005', () => {
  expect(smallestMargin({ rows: 450, confidence: 0.95 })).toBeLessThan(0.02)
  expect(smallestMargin({ rows: 450, confidence: 0.95 })).toBeGreaterThan(0.005)
  expect(smallestMargin({ rows: rowsForMargin(0.005, { confidence: 0.95 }), confidence: 0.95 })).toBeLessThanOrEqual(
    0.005,
  )
  expect(smallestMargin({ rows: rowsForMargin(0.005, { confidence: 0.95 }) - 1, confidence: 0.95 })).toBeGreaterThan(
    0.005,
  )
})
