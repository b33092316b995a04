import type { BinEdges } from '../statistics/reference-bins.ts'

/**
 * What the reference rows of a bundle look like, once and for all: the bins are fixed here, so windows of
 * any time and server can be compared with it and with one another. JSON.
 */
export interface ReferenceProfile {
  readonly version: 1
  readonly rows: number
  readonly columns: Readonly<Record<string, ColumnReference>>
  /** Input columns that the reference file does not have. */
  readonly missing: readonly string[]
}

export type ColumnReference =
  | NumberReference
  | CategoryReference
  | { readonly kind: 'unsupported'; readonly type: string }

export interface NumberReference {
  readonly kind: 'number'
  readonly edges: BinEdges
  /** One per bin: finite values only. */
  readonly counts: readonly number[]
  readonly nulls: number
  readonly nans: number
  readonly infinities: number
  /** Of finite values; null where there are none. */
  readonly min: number | null
  readonly max: number | null
}

export interface CategoryReference {
  readonly kind: 'category'
  readonly categories: readonly string[]
  /** One per category, and at the end of all others. */
  readonly counts: readonly number[]
  readonly nulls: number
}

/** The same bins over a window of logged predictions. */
export interface WindowProfile {
  readonly rows: number
  /** Times of the oldest and newest row, epoch milliseconds; null where there are no rows. */
  readonly from: number | null
  readonly to: number | null
  readonly columns: Readonly<Record<string, ColumnWindow>>
  /** Columns of the reference that were not logged in this window. */
  readonly unlogged: readonly string[]
}

export type ColumnWindow = NumberWindow | CategoryWindow

export interface NumberWindow {
  readonly kind: 'number'
  readonly counts: readonly number[]
  readonly nulls: number
  readonly nans: number
  readonly infinities: number
  /** Finite, but outside the reference's range by more than float32 is coarse. */
  readonly below: number
  readonly above: number
  /** Values that are no numbers at all. */
  readonly unreadable: number
}

export interface CategoryWindow {
  readonly kind: 'category'
  readonly counts: readonly number[]
  readonly nulls: number
  /** The most frequent values that are not among the reference's categories. */
  readonly otherExamples: readonly string[]
}
