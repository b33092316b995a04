import type { Range } from './proportion-interval.ts'

export interface ArmSummary {
  readonly count: number
  readonly mean: number
  /** Of the single values, not of the mean. */
  readonly variance: number
}

export interface SequenceOptions {
  /** Probability that the interval ever misses the truth. */
  readonly alpha: number
  /** The number of rows at which the interval is narrowest; any value is valid. Default 5,000. */
  readonly plannedRows?: number
}

export interface DifferenceSequence extends Range {
  readonly estimate: number
  /** Each holds alone, at all times: the difference is at least, and at most, this. */
  readonly atLeast: number
  readonly atMost: number
}

const USUAL_ROWS = 5_000

/**
 * Candidate minus champion, with an interval that may be looked at after every label: the asymptotic
 * confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of Statistics 2024, arXiv
 * 2103.06476), in the form that GrowthBook ships. Believe it from about 200 labels per arm on.
 */
export function differenceSequence(
  candidate: ArmSummary,
  champion: ArmSummary,
  options: SequenceOptions,
): DifferenceSequence {
  const estimate = candidate.mean - champion.mean
  const standardError = Math.sqrt(candidate.variance / candidate.count + champion.variance / champion.count)
  const rows = candidate.count + champion.count
  const two = twoSidedHalfWidth(standardError, rows, options)
  const one = oneSidedHalfWidth(standardError, rows, options)
  return { estimate, low: estimate - two, high: estimate + two, atLeast: estimate - one, atMost: estimate + one }
}

/** Half the width of the two-sided sequence, from the standard error of the difference. */
export function twoSidedHalfWidth(
  standardError: number,
  rows: number,
  { alpha, plannedRows = USUAL_ROWS }: SequenceOptions,
): number {
  const tuned = rows * tuning(alpha, plannedRows) ** 2
  return scale(standardError, rows, tuned) * Math.sqrt(Math.log(Math.sqrt(tuned + 1) / alpha))
}

export function oneSidedHalfWidth(
  standardError: number,
  rows: number,
  { alpha, plannedRows = USUAL_ROWS }: SequenceOptions,
): number {
  const tuned = rows * tuning(2 * alpha, plannedRows) ** 2
  return scale(standardError, rows, tuned) * Math.sqrt(Math.log1p(Math.sqrt(tuned + 1) / (2 * alpha)))
}

/** s · √(2(nρ² + 1)) / (nρ), with s = √n · SE. */
function scale(standardError: number, rows: number, tuned: number): number {
  return (Math.sqrt(rows) * standardError * Math.sqrt(2 * (tuned + 1))) / Math.sqrt(tuned * rows)
}

function tuning(alpha: number, plannedRows: number): number {
  const log = -2 * Math.log(alpha)
  return Math.sqrt((log + Math.log(log + 1)) / plannedRows)
}
