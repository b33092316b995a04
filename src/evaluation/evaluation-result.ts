import type { Digest } from '../core/digest.ts'
import type { ArtifactRef } from '../core/tree.ts'
import type { EvaluationTask } from '../pipeline/pipeline.ts'
import type { RowEvidence } from './row-evidence.ts'
import type { Measure } from './measure.ts'
import type { OwnMetrics } from './metrics.ts'

/** What evaluation found: plain JSON of bounded size, stored with the run and shown on its page. */
export interface EvaluationResult {
  readonly task: EvaluationTask
  readonly rows: number
  readonly label: string
  /** The class that matters, the column of weights, the column of units and how many there are. */
  readonly positive?: string
  readonly weight?: string
  readonly unit?: { readonly column: string; readonly count: number }
  /** Metrics of the author's own. */
  readonly own?: OwnMetrics
  /** `author`: the answers come from a file that the author's own code wrote, labels included where there are no `labels`. */
  readonly source: 'hosts' | 'author'
  /** The file that the labels come from beside the author's answers; hidden: no step of the run could read it. */
  readonly labels?: { readonly path: string; readonly areHidden: boolean }
  readonly candidate: { readonly bundle: Digest } & ModelMeasures
  readonly champion?: EvaluatedChampion
  /** Why there is none. */
  readonly noChampion?: string
  readonly slices: readonly SliceMeasures[]
  readonly latency?: LatencyMeasures
  /** `RowOutcomes` (`outcomes-file.ts`): what each model answered to each row. */
  readonly outcomes: ArtifactRef
  /** What a person looks at behind the numbers. */
  readonly evidence?: RowEvidence
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

/** Of single rows sent at a steady pace to the candidate's private endpoint, through the gateway; in milliseconds. */
export interface LatencyMeasures {
  readonly requests: number
  /** Sent before these, one after another, and not counted. */
  readonly warmUp: number
  readonly perSecond: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** By column, so that ten million rows are a few hundred megabytes. */
export interface RowOutcomes {
  readonly task: EvaluationTask
  readonly ids?: readonly string[]
  readonly classes?: readonly string[]
  /** Place in `classes` of the one that matters. */
  readonly positive?: number
  /** Places in `classes`, or numbers. */
  readonly truth: ArrayLike<number>
  readonly candidate: ModelOutcomes
  readonly champion?: ModelOutcomes
  /** How much each row counts; default 1. */
  readonly weights?: ArrayLike<number>
  /** Equal numbers belong together. */
  readonly units?: ArrayLike<number>
  /** The column that each of the author's own metrics is the mean of, by the metric's name. */
  readonly ownColumns?: Readonly<Record<string, string>>
  readonly slices: readonly {
    readonly column: string
    readonly values: readonly string[]
    /** Places in `values`; one past the last for a rare value. */
    readonly of: ArrayLike<number>
  }[]
}

export interface ModelOutcomes {
  readonly predicted: ArrayLike<number>
  /** Row after row, one per class; NaN where there is none. */
  readonly scores?: ArrayLike<number>
  /** Of the author's own metrics, by name. */
  readonly own?: Readonly<Record<string, ArrayLike<number>>>
}
