import { SeededRandom } from './random.ts'

/**
 * How often each of `count` rows is drawn in each resample, one resample after another. The same seed draws the same
 * rows whatever is measured of them, so the last counts are kept: of further metrics the sums alone are worked out,
 * in a fraction of the time. A byte is enough: that a row comes 256 times has a chance of 1e-507.
 */
export function drawnCounts(seed: number, count: number, resamples: number): Uint8Array {
  if (last?.seed !== seed || last.count !== count || last.resamples < resamples) {
    last = { seed, count, resamples, counts: draw(seed, count, resamples) }
  }
  return last.counts
}

interface Drawn {
  readonly seed: number
  readonly count: number
  readonly resamples: number
  readonly counts: Uint8Array
}

let last: Drawn | undefined

function draw(seed: number, count: number, resamples: number): Uint8Array {
  const random = new SeededRandom(seed)
  const drawn = new Uint32Array(count)
  const counts = new Uint8Array(count * resamples)
  for (let first = 0; first < counts.length; first += count) {
    random.fillIndices(drawn, count)
    for (let i = 0; i < count; i++) counts[first + drawn[i]!]!++
  }
  return counts
}

/** The sum of the values as often as they were drawn. Four sums, because an addition waits for the one before. */
export function sumAsDrawn(values: Float64Array, counts: Uint8Array, first: number): number {
  let [a, b, c, d] = [0, 0, 0, 0]
  const fours = values.length - (values.length % 4)
  for (let i = 0, at = first; i < fours; i += 4, at += 4) {
    a += counts[at]! * values[i]!
    b += counts[at + 1]! * values[i + 1]!
    c += counts[at + 2]! * values[i + 2]!
    d += counts[at + 3]! * values[i + 3]!
  }
  for (let i = fours; i < values.length; i++) a += counts[first + i]! * values[i]!
  return a + b + c + d
}
