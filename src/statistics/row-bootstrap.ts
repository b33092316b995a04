import type { Sampling } from './additive.ts'
import { SeededRandom } from './random.ts'

/** Above so many rows, groups of rows are drawn: drawing then takes the same time for any number of rows. */
export const MOST_DRAWN_ROWS = 100_000

const GROUPS = 1_000
const RESAMPLES = 2_000

/** Two thousand where that is quick; fewer for many, where ends hardly move: about 0.2 s a number. */
export function resamplesFor(items: number): number {
  return Math.round(Math.min(RESAMPLES, Math.max(200, 20_000_000 / Math.max(1, items))))
}

/**
 * Resamples of rows, or of units, told as weights: 0 for a row that was not drawn, 2 for one drawn twice, times
 * its own weight. `see` must not keep the array.
 */
export function drawRowWeights(
  { rows, units, weights }: Sampling,
  seed: number,
  resamples: number,
  see: (weights: Float64Array, resample: number) => void,
): void {
  const count = units?.count ?? rows
  const random = new SeededRandom(seed)
  const drawn = new Uint32Array(count)
  const times = new Float64Array(count)
  const own = new Float64Array(rows)
  for (let resample = 0; resample < resamples; resample++) {
    random.fillIndices(drawn, count)
    times.fill(0)
    for (let i = 0; i < count; i++) times[drawn[i]!]!++
    for (let i = 0; i < rows; i++) own[i] = times[units === undefined ? i : units.of[i]!]!
    if (weights !== undefined) for (let i = 0; i < rows; i++) own[i]! *= weights[i]!
    see(own, resample)
  }
}

export interface Groups {
  readonly of: Uint16Array
  readonly count: number
}

/** Which group each row is in: by a hash of its unit's number, so that an order in the file does not matter. Dealt once. */
export function dealIntoGroups(sampling: Sampling): Groups {
  const known = GROUPS_OF.get(sampling) ?? deal(sampling)
  GROUPS_OF.set(sampling, known)
  return known
}

const GROUPS_OF = new WeakMap<Sampling, Groups>()

function deal({ rows, units }: Sampling): Groups {
  const isOwnGroup = units !== undefined && units.count <= GROUPS
  const of = new Uint16Array(rows)
  for (let i = 0; i < rows; i++) {
    const unit = units === undefined ? i : units.of[i]!
    of[i] = isOwnGroup ? unit : mix(unit) % GROUPS
  }
  return { of, count: isOwnGroup ? units.count : GROUPS }
}

/** Spreads neighbouring numbers over all 32 bits (Wellons' lowbias32). */
function mix(number: number): number {
  let x = number
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return (x ^ (x >>> 15)) >>> 0
}
