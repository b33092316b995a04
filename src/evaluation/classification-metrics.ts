import type { ClassRows } from './judged-rows.ts'

/** Per class: weight of rows that are it, that were called it, and both. */
export interface ClassCounts {
  readonly actual: Float64Array
  readonly called: Float64Array
  readonly right: Float64Array
}

export function countClasses({ classes, truth, predicted }: ClassRows, weights: Float64Array): ClassCounts {
  const counts = {
    actual: new Float64Array(classes.length),
    called: new Float64Array(classes.length),
    right: new Float64Array(classes.length),
  }
  for (let i = 0; i < truth.length; i++) {
    const weight = weights[i]!
    counts.actual[truth[i]!]! += weight
    counts.called[predicted[i]!]! += weight
    if (truth[i] === predicted[i]) counts.right[truth[i]!]! += weight
  }
  return counts
}

export type Average = 'macro' | 'weighted'

/** Precision of one class: of what was called it, the share that is it; 0 where nothing was. */
export function precisionOf({ called, right }: ClassCounts, c: number): number {
  return called[c] === 0 ? 0 : right[c]! / called[c]!
}

/** Recall of one class: of what is it, the share that was called it; 0 where nothing is. */
export function recallOf({ actual, right }: ClassCounts, c: number): number {
  return actual[c] === 0 ? 0 : right[c]! / actual[c]!
}

export function f1Of({ actual, called, right }: ClassCounts, c: number): number {
  const both = actual[c]! + called[c]!
  return both === 0 ? 0 : (2 * right[c]!) / both
}

/** Over the classes that occur, in truth or answers; `weighted` by how often each is true. */
export function averageOverClasses(
  counts: ClassCounts,
  of: (counts: ClassCounts, c: number) => number,
  average: Average,
): number {
  let sum = 0
  let weight = 0
  for (let c = 0; c < counts.actual.length; c++) {
    if (counts.actual[c] === 0 && counts.called[c] === 0) continue
    const share = average === 'macro' ? 1 : counts.actual[c]!
    sum += share * of(counts, c)
    weight += share
  }
  return sum / weight
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

/**
 * Area under the ROC curve: of the second class for two classes, else the mean over classes, each against
 * the rest, of those that have rows on both sides. Sorted once; ties count half.
 */
export function prepareAuc(rows: ClassRows): (weights: Float64Array) => number {
  const { classes } = rows
  const judged = classes.length === 2 ? [1] : classes.map((_, c) => c)
  const orders = judged.map((c) => sortByScore(rows, c))
  return (weights) => {
    let sum = 0
    let defined = 0
    for (const [index, c] of judged.entries()) {
      const area = areaOf(rows, c, orders[index]!, weights)
      if (Number.isNaN(area)) continue
      sum += area
      defined++
    }
    return sum / defined
  }
}

function sortByScore({ classes, truth, scores }: ClassRows, c: number): Uint32Array {
  const score = (i: number): number => scores![i * classes.length + c]!
  return Uint32Array.from(truth.keys()).sort((a, b) => score(b) - score(a))
}

function areaOf({ classes, truth, scores }: ClassRows, c: number, order: Uint32Array, weights: Float64Array): number {
  let above = 0
  let area = 0
  let negatives = 0
  for (let start = 0, end = 0; start < order.length; start = end) {
    const score = scores![order[start]! * classes.length + c]
    let tiedPositive = 0
    let tiedNegative = 0
    for (end = start; end < order.length && scores![order[end]! * classes.length + c] === score; end++) {
      const row = order[end]!
      if (truth[row] === c) tiedPositive += weights[row]!
      else tiedNegative += weights[row]!
    }
    area += tiedNegative * (above + tiedPositive / 2)
    above += tiedPositive
    negatives += tiedNegative
  }
  return area / (above * negatives)
}

/** The least probability that counts: double precision's step at 1, as scikit-learn clips. */
const SMALLEST = 2.220446049250313e-16

/** Minus the logarithm of what the model gave the true class, per row; scores are scaled to add up to 1. */
export function logLossPerRow({ classes, truth, scores }: ClassRows): Float64Array {
  const width = classes.length
  return Float64Array.from(truth, (c, i) => {
    let sum = 0
    for (let k = 0; k < width; k++) sum += clip(scores![i * width + k]!)
    return -Math.log(clip(scores![i * width + c]!) / sum)
  })
}

function clip(score: number): number {
  return Math.min(1 - SMALLEST, Math.max(SMALLEST, score))
}

/** Squared distance from the truth: of the second class's score for two classes, else over all classes (0 to 2). */
export function brierPerRow({ classes, truth, scores }: ClassRows): Float64Array {
  const width = classes.length
  return Float64Array.from(truth, (c, i) => {
    if (width === 2) return (scores![i * 2 + 1]! - c) ** 2
    let sum = 0
    for (let k = 0; k < width; k++) sum += (scores![i * width + k]! - (k === c ? 1 : 0)) ** 2
    return sum
  })
}

const CALIBRATION_BINS = 10

/**
 * Expected calibration error: how far the model's confidence in its answer (the largest score) is from how
 * often it is right, in ten equal bins, weighted by their rows.
 */
export function calibrationError({ classes, truth, scores }: ClassRows, weights: Float64Array): number {
  const confidence = new Float64Array(CALIBRATION_BINS)
  const right = new Float64Array(CALIBRATION_BINS)
  let total = 0
  for (let i = 0; i < truth.length; i++) {
    let best = 0
    for (let k = 1; k < classes.length; k++) {
      if (scores![i * classes.length + k]! > scores![i * classes.length + best]!) best = k
    }
    const score = scores![i * classes.length + best]!
    const bin = Math.min(CALIBRATION_BINS - 1, Math.max(0, Math.ceil(score * CALIBRATION_BINS) - 1))
    confidence[bin]! += weights[i]! * score
    if (truth[i] === best) right[bin]! += weights[i]!
    total += weights[i]!
  }
  return confidence.reduce((sum, value, bin) => sum + Math.abs(value - right[bin]!), 0) / total
}

/** Rows by truth (first) and answer (second), as places in `classes`. */
export function confusionMatrix({ classes, truth, predicted }: ClassRows): number[][] {
  const matrix = classes.map(() => classes.map(() => 0))
  for (let i = 0; i < truth.length; i++) matrix[truth[i]!]![predicted[i]!]! += 1
  return matrix
}
