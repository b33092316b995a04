import { sumParts, type Part } from '../statistics/additive.ts'
import type { ClassRows } from './judged-rows.ts'

/** Per class: weight of rows that are it, that were called it, and both. */
export interface ClassCounts {
  readonly actual: Float64Array
  readonly called: Float64Array
  /** One longer: the last is what was called wrongly. */
  readonly right: Float64Array
}

/** Rows counted by class, in the order of `countsOf`. The same rows give the same array, so that what was drawn of it is kept. */
export function countParts(rows: ClassRows): readonly Part[] {
  const known = PARTS.get(rows)
  if (known !== undefined) return known
  const width = rows.classes.length
  const parts = [
    { width, slot: rows.truth },
    { width, slot: rows.predicted },
    { width: width + 1, slot: rightSlots(rows) },
  ]
  PARTS.set(rows, parts)
  return parts
}

const PARTS = new WeakMap<ClassRows, readonly Part[]>()

/** Of all rows, by weight. */
export function countClasses(rows: ClassRows): ClassCounts {
  const { sampling, classes } = rows
  const known =
    COUNTS.get(rows) ?? countsOf(sumParts(countParts(rows), sampling.rows, sampling.weights), classes.length)
  COUNTS.set(rows, known)
  return known
}

const COUNTS = new WeakMap<ClassRows, ClassCounts>()

function rightSlots({ truth, predicted, classes }: ClassRows): Int32Array {
  const slots = new Int32Array(truth.length)
  for (let i = 0; i < slots.length; i++) slots[i] = truth[i] === predicted[i] ? truth[i]! : classes.length
  return slots
}

/** Counts of sums that mostly come in one array again, as resamples do: it is looked into once. */
export function countsReader(classes: number, first = 0): (sums: Float64Array) => ClassCounts {
  let seen: Float64Array | undefined
  let counts: ClassCounts | undefined
  return (sums) => {
    if (sums === seen && counts !== undefined) return counts
    seen = sums
    return (counts = countsOf(sums, classes, first))
  }
}

/** Of sums of `countParts`; `first`: where they begin. */
function countsOf(sums: Float64Array, classes: number, first = 0): ClassCounts {
  return {
    actual: sums.subarray(first, first + classes),
    called: sums.subarray(first + classes, first + 2 * classes),
    right: sums.subarray(first + 2 * classes, first + 3 * classes + 1),
  }
}

export function widthOfCounts(classes: number): number {
  return 3 * classes + 1
}

/** The counts of one row. */
export function oneRow(classes: number, truth: number, predicted: number): Float64Array {
  const sums = new Float64Array(widthOfCounts(classes))
  sums[truth] = 1
  sums[classes + predicted] = 1
  sums[2 * classes + (truth === predicted ? truth : classes)] = 1
  return sums
}

/** Precision of one class: of what was called it, the share that is it. NaN where nothing was. */
export function precisionOf({ called, right }: ClassCounts, c: number): number {
  return right[c]! / called[c]!
}

/** Recall of one class: of what is it, the share that was called it. NaN where nothing is. */
export function recallOf({ actual, right }: ClassCounts, c: number): number {
  return right[c]! / actual[c]!
}

export function f1Of({ actual, called, right }: ClassCounts, c: number): number {
  return (2 * right[c]!) / (actual[c]! + called[c]!)
}

export type OfClass = (counts: ClassCounts, c: number) => number

/** Mean over the classes that occur, in truth or answers; one that has no such number counts as 0, as in scikit-learn. */
export function macroMean(counts: ClassCounts, of: OfClass): number {
  return meanOfClasses(counts, of, () => 1)
}

/** The same, by how often each class is true. */
export function weightedMean(counts: ClassCounts, of: OfClass): number {
  return meanOfClasses(counts, of, (c) => counts.actual[c]!)
}

function meanOfClasses(counts: ClassCounts, of: OfClass, shareOf: (c: number) => number): number {
  const { actual, called } = counts
  let sum = 0
  let shares = 0
  for (let c = 0; c < actual.length; c++) {
    if (actual[c] === 0 && called[c] === 0) continue
    const share = shareOf(c)
    sum += share * (of(counts, c) || 0)
    shares += share
  }
  return sum / shares
}

/** Mean recall of the classes that are true of some row. */
export function balancedAccuracy(counts: ClassCounts): number {
  let sum = 0
  let classes = 0
  for (let c = 0; c < counts.actual.length; c++) {
    if (counts.actual[c] === 0) continue
    sum += recallOf(counts, c)
    classes++
  }
  return sum / classes
}

export function accuracyOf({ actual, right }: ClassCounts): number {
  let total = 0
  let correct = 0
  for (let c = 0; c < actual.length; c++) {
    total += actual[c]!
    correct += right[c]!
  }
  return correct / total
}

/** Rows by truth (first) and answer (second), as places in `classes`; by weight where rows have one. */
export function confusionMatrix({ classes, truth, predicted, sampling }: ClassRows): number[][] {
  const matrix = classes.map(() => classes.map(() => 0))
  for (let i = 0; i < truth.length; i++) matrix[truth[i]!]![predicted[i]!]! += sampling.weights?.[i] ?? 1
  return matrix
}
