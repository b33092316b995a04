/**
 * Gates that are no bound on a metric. `name` is unique in the file and what people waive: `unsafe-pickle`,
 * `fairness-recall-sex`, `behaviour`, `data-train`, `leakage`.
 */
export type CheckSpec =
  | { readonly kind: 'size'; readonly name: string; readonly maxBytes: number }
  /** `allow`: packages whose code pickles may name. */
  | { readonly kind: 'unsafe-pickle'; readonly name: string; readonly allow: readonly string[] }
  | FairnessSpec
  | { readonly kind: 'behaviour'; readonly name: string; readonly file: string }
  | DataSpec
  | LeakageSpec

/** The metric may not differ by more between two values of the column, with the confidence. */
export interface FairnessSpec {
  readonly kind: 'fairness'
  readonly name: string
  readonly metric: string
  readonly between: string
  readonly maxDifference: number
  readonly minRows: number
  readonly confidence: number
}

export interface DataSpec {
  readonly kind: 'data'
  readonly name: string
  readonly dataset: string
  readonly columns: Readonly<Record<string, ColumnRule>>
  readonly minRows?: number
  /** Share of rows that may stand there more than once, 0..1; absent: not looked at. */
  readonly duplicates?: number
}

export interface ColumnRule {
  readonly type?: 'number' | 'integer' | 'text' | 'boolean'
  readonly min?: number
  readonly max?: number
  /** Share of rows that may have no value, 0..1; absent: not looked at. */
  readonly nulls?: number
  readonly unique?: boolean
  readonly values?: readonly string[]
}

export interface LeakageSpec {
  readonly kind: 'leakage'
  readonly name: string
  readonly train: string
  readonly test: string
  /** Columns that say which rows are the same; absent: all that both have. */
  readonly by?: readonly string[]
  /** Absent: the evaluation's. */
  readonly label?: string
  /** Share of test rows that may be in train too, 0..1. */
  readonly maxOverlap: number
}

const CHECK_KINDS = ['size', 'unsafe-pickle', 'fairness', 'behaviour', 'data', 'leakage'] as const

export function isCheck(gate: { readonly kind: string }): gate is CheckSpec {
  return (CHECK_KINDS as readonly string[]).includes(gate.kind)
}

/** The metric a gate has to have measured, and the column it is measured by. */
export function measuredBy(gate: {
  readonly kind: string
  readonly metric?: string
  readonly slice?: string
  readonly between?: string
}): { readonly metric?: string; readonly slice?: string } {
  const slice = gate.slice ?? gate.between
  return {
    ...(gate.metric === undefined ? {} : { metric: gate.metric }),
    ...(slice === undefined ? {} : { slice }),
  }
}

/** Files that a gate reads, each with the key that names it. */
export function filesOf(gate: CheckSpec): { readonly file: string; readonly key: string }[] {
  if (gate.kind === 'behaviour') return [{ file: gate.file, key: 'file' }]
  if (gate.kind === 'data') return [{ file: gate.dataset, key: 'dataset' }]
  if (gate.kind !== 'leakage') return []
  return [
    { file: gate.train, key: 'train' },
    { file: gate.test, key: 'test' },
  ]
}
