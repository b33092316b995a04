import type { Digest } from '../core/digest.ts'
import type { ArtifactRef } from '../core/tree.ts'
import type { EvaluationTask } from '../pipeline/pipeline.ts'
import type { Measure } from './measure.ts'

/** What evaluation found: plain JSON of bounded size, stored with the run and shown on its page. */
export interface EvaluationResult {
  readonly task: EvaluationTask
  readonly rows: number
  readonly label: string
  /** `author`: the answers come from a file that the author's own code wrote, labels included. */
  readonly source: 'hosts' | 'author'
  readonly candidate: { readonly bundle: Digest } & ModelMeasures
  readonly champion?: EvaluatedChampion
  readonly slices: readonly SliceMeasures[]
  readonly latency?: LatencyMeasures
  /** `RowOutcomes` as JSON: what each model answered to each row. */
  readonly outcomes: ArtifactRef
  /** What a reader has to know to judge the rest. */
  readonly notes: readonly string[]
}

export type Measures = Readonly<Record<string, Measure>>

export interface ModelMeasures {
  readonly metrics: Measures
  readonly classes?: readonly ClassMeasures[]
  /** By truth and answer, in the order of `classes`; absent beyond 50 classes. */
  readonly confusion?: readonly (readonly number[])[]
}

export interface ClassMeasures {
  readonly name: string
  /** That are this class. */
  readonly rows: number
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

/** `failed`: why its answers could not be had; it is then no evidence for or against anything. */
export type EvaluatedChampion = { readonly version: number; readonly bundle: Digest } & (
  | ModelMeasures
  | { readonly failed: string }
)

export interface SliceMeasures {
  readonly column: string
  readonly value: string
  readonly rows: number
  readonly candidate: Measures
  readonly champion?: Measures
}

/** Of single rows sent one after another to the candidate's host, in milliseconds. */
export interface LatencyMeasures {
  readonly requests: number
  /** Sent before these, and not counted. */
  readonly warmUp: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** Compact, by column, so that a hundred thousand rows are a few megabytes. */
export interface RowOutcomes {
  readonly task: EvaluationTask
  readonly ids?: readonly string[]
  readonly classes?: readonly string[]
  /** Places in `classes`, or numbers. */
  readonly truth: readonly number[]
  readonly candidate: ModelOutcomes
  readonly champion?: ModelOutcomes
  readonly slices: readonly {
    readonly column: string
    readonly values: readonly string[]
    readonly of: readonly number[]
  }[]
}

export interface ModelOutcomes {
  readonly predicted: readonly number[]
  /** Row after row, one per class. */
  readonly scores?: readonly number[]
}
