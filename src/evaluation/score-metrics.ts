import { inferAbsoluteSums } from '../statistics/absolute-sums.ts'
import { twoClasses, type ClassRows } from './judged-rows.ts'
import type { ClassComputation } from './metric-computation.ts'
import { PRECISION_RECALL_AREA } from './precision-recall-area.ts'

/** What needs a score for each class. */
export const SCORE_METRICS: Readonly<Record<string, ClassComputation>> = {
  auc: { kind: 'areas', average: 'macro' },
  'auc-weighted': { kind: 'areas', average: 'weighted' },
  'pr-auc': PRECISION_RECALL_AREA,
  'log-loss': { kind: 'mean', perRow: logLossPerRow },
  brier: { kind: 'mean', perRow: brierPerRow },
  'calibration-error': {
    kind: 'sums',
    parts: calibrationParts,
    of: calibrationError,
    range: [0, 1],
    infer: inferAbsoluteSums,
  },
}

/** The least probability that counts: double precision's step at 1, as scikit-learn clips. */
const SMALLEST = 2.220446049250313e-16

/** Minus the logarithm of what the model gave the true class, per row; scores are scaled to add up to 1. */
function logLossPerRow({ classes, truth, scores }: ClassRows): Float64Array {
  const width = classes.length
  const losses = new Float64Array(truth.length)
  for (let i = 0; i < losses.length; i++) {
    let sum = 0
    for (let k = 0; k < width; k++) sum += clip(scores![i * width + k]!)
    losses[i] = -Math.log(clip(scores![i * width + truth[i]!]!) / sum)
  }
  return losses
}

function clip(score: number): number {
  return Math.min(1 - SMALLEST, Math.max(SMALLEST, score))
}

/** Squared distance from the truth: of two classes that of the positive one's score, else over all classes (0 to 2). */
function brierPerRow(rows: ClassRows): Float64Array {
  const { classes, truth, scores } = rows
  const width = classes.length
  const losses = new Float64Array(truth.length)
  const judged = positiveOfTwo(rows)
  for (let i = 0; i < losses.length; i++) {
    if (judged !== undefined) {
      losses[i] = (scores![i * width + judged]! - Number(truth[i] === judged)) ** 2
      continue
    }
    for (let k = 0; k < width; k++) losses[i]! += (scores![i * width + k]! - Number(k === truth[i])) ** 2
  }
  return losses
}

function positiveOfTwo(rows: ClassRows): number | undefined {
  const two = twoClasses(rows)
  const { positive = two?.[1] } = rows
  return positive !== undefined && two?.includes(positive) === true ? positive : undefined
}

const CALIBRATION_BINS = 10

/**
 * Expected calibration error (Naeini, Cooper and Hauskrecht 2015): how far the model's confidence in its
 * answer (the largest score) is from how often it is right, in ten equal bins, by their rows.
 */
function calibrationError(sums: Float64Array): number {
  let error = 0
  for (let bin = 0; bin < CALIBRATION_BINS; bin++) error += Math.abs(sums[bin]!)
  return error / sums[CALIBRATION_BINS]!
}

/** Per bin confidence minus right answers, and all rows. */
function calibrationParts({ classes, truth, scores }: ClassRows) {
  const width = classes.length
  const slot = new Uint8Array(truth.length)
  const values = new Float64Array(truth.length)
  for (let i = 0; i < truth.length; i++) {
    let best = 0
    for (let k = 1; k < width; k++) if (scores![i * width + k]! > scores![i * width + best]!) best = k
    const confidence = scores![i * width + best]!
    slot[i] = Math.min(CALIBRATION_BINS - 1, Math.max(0, Math.ceil(confidence * CALIBRATION_BINS) - 1))
    values[i] = confidence - Number(truth[i] === best)
  }
  return [{ width: CALIBRATION_BINS, slot, values }, { width: 1 }]
}
