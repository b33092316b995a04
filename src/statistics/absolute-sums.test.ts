import { expect, test } from 'vitest'
import { inferAbsoluteSums } from './absolute-sums.ts'
import { intervalOf } from './inference.ts'
import { SeededRandom } from './random.ts'

const SLOTS = 10

/** Rows spread over the slots; each slot's values have a true mean of `off` and much noise around it. */
function draw(random: SeededRandom, rows: number, off: number) {
  const slot = new Uint8Array(rows)
  const values = new Float64Array(rows)
  for (let i = 0; i < rows; i++) {
    slot[i] = i % SLOTS
    values[i] = off + (random.next() < 0.5 ? -0.5 : 0.5)
  }
  return { parts: [{ width: SLOTS, slot, values }, { width: 1 }], sampling: { rows }, seed: 7 }
}

test.each([
  [100, 0],
  [100, 0.2],
  [300, 0],
  [300, 0.03],
])('the interval of %i rows holds a true value of %d as often as it says', (rows, off) => {
  const random = new SeededRandom(rows + off)
  const times = 30
  let held = 0
  for (let i = 0; i < times; i++) {
    const { low, high } = intervalOf(inferAbsoluteSums(draw(random, rows, off)), 0.95)
    if (low <= off && off <= high) held++
  }

  // Two standard deviations of so few repetitions below 0.95.
  expect(held / times).toBeGreaterThanOrEqual(0.88)
})

test('what is surely off is known to be, and ends stay in their range', () => {
  const given = draw(new SeededRandom(1), 2_000, 0.4)
  const inference = inferAbsoluteSums(given)

  expect(inference.estimate).toBeCloseTo(0.4, 1)
  expect(inference.atLeast(0.95)).toBeGreaterThan(0.35)
  expect(inference.atMost(0.95)).toBeLessThan(0.45)
  expect(inferAbsoluteSums(draw(new SeededRandom(1), 3, 0)).atLeast(0.95)).toBe(0)
  expect(inferAbsoluteSums(draw(new SeededRandom(1), 3, 0.5)).atMost(0.95)).toBeLessThanOrEqual(1)
})
