import type { Part, Sampling } from '../statistics/additive.ts'
import type { Inference } from '../statistics/inference.ts'
import type { PairedCounts } from '../statistics/paired-proportions.ts'
import type { ClassCounts } from './class-counts.ts'
import type { ClassRows, NumberRows } from './judged-rows.ts'

/**
 * How a metric is computed of rows: by the least that its value depends on, which also says how its
 * interval is found. NaN says that it does not exist for the rows.
 */
export type Computation<Rows> =
  | MeanComputation<Rows>
  | SumsComputation<Rows>
  | WeightsComputation<Rows>
  | CellComputation
  | AreaComputation

export type ClassComputation = Computation<ClassRows>
export type NumberComputation = Exclude<Computation<NumberRows>, CellComputation | AreaComputation>

/** A mean over rows. */
export interface MeanComputation<Rows> {
  readonly kind: 'mean'
  readonly perRow: (rows: Rows) => Float64Array
  readonly range?: readonly [number, number]
}

/** Of sums over rows. */
export interface SumsComputation<Rows> {
  readonly kind: 'sums'
  readonly parts: (rows: Rows) => readonly Part[]
  readonly of: (sums: Float64Array) => number
  readonly range?: readonly [number, number]
  /** Where the values of resamples are not around the true one: how the interval is found instead. */
  readonly infer?: (drawn: {
    readonly parts: readonly Part[]
    readonly sampling: Sampling
    readonly seed: number
  }) => Inference
}

/** Of the rows' order: a function of how much each row counts, that does once what does not depend on it. */
export interface WeightsComputation<Rows> {
  readonly kind: 'weights'
  readonly prepare: (rows: Rows) => (weights?: Float64Array) => number
  /** Nearly the same of sums, for the interval where rows are many. */
  readonly binned: (rows: Rows) => { readonly parts: readonly Part[]; readonly of: (sums: Float64Array) => number }
  readonly range?: readonly [number, number]
}

/** Of the confusion matrix. */
export interface CellComputation {
  readonly kind: 'cells'
  readonly of: (counts: ClassCounts, positive: number | undefined) => number
  /** Where it is a share of rows: an exact interval then exists. */
  readonly share?: (
    counts: ClassCounts,
    positive: number | undefined,
  ) => { readonly successes: number; readonly trials: number } | undefined
  /** Where it is a share of the same rows for both models. */
  readonly pairedShare?: (candidate: ClassRows, champion: ClassRows) => PairedCounts | undefined
}

/** Area under the ROC curve. */
export interface AreaComputation {
  readonly kind: 'areas'
  /** Of more than one class: all alike, or by their rows. */
  readonly average: 'macro' | 'weighted'
}
