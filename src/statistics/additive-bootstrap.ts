import { type Part, type Sampling, sumByGroup, sumParts, totalWeight, widthOf } from './additive.ts'
import { bootstrapInference } from './bootstrap-inference.ts'
import { drawMultinomial } from './draw-multinomial.ts'
import { drawnCounts, sumAsDrawn } from './drawn-counts.ts'
import { fewKinds, type GroupSums, type Kinds } from './group-kinds.ts'
import { countCells } from './joint-cells.ts'
import type { Inference } from './inference.ts'
import { dealIntoGroups, drawRowWeights, MOST_DRAWN_ROWS, resamplesFor } from './row-bootstrap.ts'
import { SeededRandom } from './random.ts'

export interface AdditiveProblem {
  /** The same array asked again is not drawn again. */
  readonly parts: readonly Part[]
  /** The number of interest, of the sums. NaN says that it does not exist for them. */
  readonly of: (sums: Float64Array) => number
  readonly sampling: Sampling
  readonly seed: number
  /** Sums of single rows that were not seen and might have been (see `bootstrapInference`). */
  readonly imaginary?: readonly Float64Array[]
  /** Where the number cannot leave a range. */
  readonly range?: readonly [number, number]
}

/**
 * Bootstrap of any number that is computed of sums over rows, by the cheapest way that is right:
 *
 * - Plain rows that are only counted by cell (a confusion matrix): the cells are drawn, as a multinomial.
 *   That is the bootstrap of the rows, at a price that does not depend on their number.
 * - Up to 100,000 rows: rows are drawn, or units where rows belong together; where few different ones occur,
 *   how often each comes, as a multinomial.
 * - More: rows (units) are dealt at random into 1,000 groups, and groups are drawn. A group is a sum of
 *   independent units, so the spread is estimated rightly, itself give or take 2 %.
 */
export function inferFromSums(problem: AdditiveProblem): Inference {
  const { parts, of, sampling, imaginary, range } = problem
  const sums = sumParts(parts, sampling.rows, sampling.weights)
  const units = sampling.units?.count ?? sampling.rows
  const each = totalWeight(sampling) / Math.max(1, units)
  const estimate = of(sums)
  const { method, values } = Number.isNaN(estimate) ? NOTHING : valuesOf(problem)
  return bootstrapInference({
    estimate,
    method,
    values,
    units,
    imaginary: (imaginary ?? []).map((row) => of(sums.map((sum, i) => sum + row[i]! * each))),
    ...(range === undefined ? {} : { range }),
  })
}

const NOTHING = { method: 'none', values: new Float64Array(0) }

function valuesOf({ parts, of, sampling, seed }: AdditiveProblem): { method: string; values: Float64Array } {
  let drawn = DRAWN.get(parts)
  if (drawn?.sampling !== sampling || drawn.seed !== seed) {
    drawn = { sampling, seed, ...draw(parts, sampling, seed) }
    DRAWN.set(parts, drawn)
  }
  const { method, sums } = drawn
  const width = widthOf(parts)
  const values = new Float64Array(sums.length / width)
  // One array for all resamples: what `of` makes of its place in memory it makes once.
  const one = new Float64Array(width)
  for (let i = 0; i < values.length; i++) {
    for (let k = 0; k < width; k++) one[k] = sums[i * width + k]!
    values[i] = of(one)
  }
  return { method, values }
}

interface Drawn {
  readonly method: string
  /** Of one resample after another. */
  readonly sums: Float64Array
}

/** Fourteen metrics are computed of one confusion matrix: its resamples are drawn once. */
const DRAWN = new WeakMap<readonly Part[], Drawn & { readonly sampling: Sampling; readonly seed: number }>()

function draw(parts: readonly Part[], sampling: Sampling, seed: number): Drawn {
  const { weights, units, rows } = sampling
  const isCounted = parts.every(({ values }) => values === undefined)
  if (weights === undefined && units === undefined && isCounted) return drawCells(parts, rows, seed)
  const { method, sums } = rows > MOST_DRAWN_ROWS ? drawGroups(parts, sampling, seed) : drawRows(parts, sampling, seed)
  return { method: units === undefined ? method : method.replace('rows', 'units'), sums }
}

/** Sums are kept, so there are fewer resamples where they are wide (thousands of classes). */
function emptySums(width: number, resamples: number): Float64Array {
  return new Float64Array(width * Math.min(resamples, Math.max(200, Math.floor(4_000_000 / width))))
}

/** Draws of a binomial (100 ns), and additions (1 ns), that one bootstrap may take. */
const MOST_BINOMIALS = 800_000
const MOST_ADDITIONS = 200_000_000

/** As many resamples as usual, fewer where each is dear. */
function within(budget: number, each: number): number {
  return Math.min(resamplesFor(1), Math.max(200, Math.floor(budget / each)))
}

function drawCells(parts: readonly Part[], rows: number, seed: number): Drawn {
  const cells = countCells(parts, rows)
  const random = new SeededRandom(seed)
  const drawn = new Float64Array(cells.counts.length)
  const width = widthOf(parts)
  const sums = emptySums(width, within(MOST_BINOMIALS, cells.counts.length))
  for (let first = 0; first < sums.length; first += width) {
    drawMultinomial(random, cells.counts, drawn)
    for (let cell = 0; cell < drawn.length; cell++) {
      for (let p = 0; p < parts.length; p++) sums[first + cells.places[cell * parts.length + p]!]! += drawn[cell]!
    }
  }
  return { method: 'bootstrap of cell counts', sums }
}

/** Up to so many numbers the sums of every unit are kept: drawing then only adds them up. */
const MOST_KEPT = 2_000_000

function drawRows(parts: readonly Part[], sampling: Sampling, seed: number): Drawn {
  const width = widthOf(parts)
  const units = sampling.units ?? { of: Uint32Array.from({ length: sampling.rows }, (_, i) => i), count: sampling.rows }
  if (units.count * width <= MOST_KEPT) {
    const resamples = resamplesFor(units.count)
    return { method: 'bootstrap of rows', sums: drawFrom(parts, sampling, units, { seed, resamples }) }
  }
  const sums = emptySums(width, resamplesFor(sampling.rows))
  drawRowWeights(sampling, seed, sums.length / width, (weights, i) =>
    sums.set(sumParts(parts, sampling.rows, weights), i * width),
  )
  return { method: 'bootstrap of rows', sums }
}

function drawGroups(parts: readonly Part[], sampling: Sampling, seed: number): Drawn {
  const groups = dealIntoGroups(sampling)
  const sums = drawFrom(parts, sampling, groups, { seed, resamples: resamplesFor(groups.count) })
  return { method: `bootstrap of ${groups.count} groups of rows`, sums }
}

interface Draws {
  readonly seed: number
  readonly resamples: number
}

/** Adds up the sums of groups that are drawn with replacement. */
function drawFrom(
  parts: readonly Part[],
  { rows, weights }: Sampling,
  groups: { readonly of: ArrayLike<number>; readonly count: number },
  draws: Draws,
): Float64Array {
  const byGroup = { sums: sumByGroup(parts, rows, groups, weights), width: widthOf(parts), count: groups.count }
  const kinds = fewKinds(byGroup)
  return kinds === undefined ? drawGroupSums(byGroup, draws) : drawKinds(kinds, draws)
}

/** A column that is the same for all groups, as their number of rows, is not drawn. */
function drawGroupSums(groups: GroupSums, { seed, resamples }: Draws): Float64Array {
  const { width, count } = groups
  const columns = Array.from({ length: width }, (_, k) => columnOf(groups, k))
  const varying = columns.map((column) => column.some((value) => value !== column[0]))
  const additions = count * Math.max(1, varying.filter(Boolean).length)
  const sums = emptySums(width, Math.min(resamples, within(MOST_ADDITIONS, additions)))
  const counts = drawnCounts(seed, count, sums.length / width)
  for (let k = 0; k < width; k++) {
    const column = columns[k]!
    for (let place = k, first = 0; place < sums.length; place += width, first += count)
      sums[place] = varying[k]! ? sumAsDrawn(column, counts, first) : count * (column[0] ?? 0)
  }
  return sums
}

function columnOf({ sums, width, count }: GroupSums, k: number): Float64Array {
  const column = new Float64Array(count)
  for (let group = 0; group < count; group++) column[group] = sums[group * width + k]!
  return column
}

/** How often each kind of group is drawn is a multinomial. */
function drawKinds({ sums: ofKind, counts }: Kinds, { seed, resamples }: Draws): Float64Array {
  const random = new SeededRandom(seed)
  const drawn = new Float64Array(counts.length)
  const width = ofKind.length / counts.length
  const sums = emptySums(width, resamples)
  for (let first = 0; first < sums.length; first += width) {
    drawMultinomial(random, counts, drawn)
    for (let kind = 0; kind < drawn.length; kind++) {
      const times = drawn[kind]!
      if (times === 0) continue
      for (let k = 0; k < width; k++) sums[first + k]! += times * ofKind[kind * width + k]!
    }
  }
  return sums
}
