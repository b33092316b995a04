import type { EndReason } from '../core/run-state.ts'
import type { CheckSpec } from './checks.ts'
import type { PlanService } from '../core/plan.ts'
import type { StepStage } from '../core/stages.ts'

/**
 * What a tidegate.yaml says, with its defaults filled in: durations in milliseconds, sizes in bytes,
 * percentages as 0..1, order of the file kept. Plain JSON. Made by `parsePipeline` only.
 */
export interface Pipeline {
  readonly version: 1
  /** Absent: the project's name. */
  readonly name?: string
  readonly on: TriggerSpec
  /** Absent: only the default branch delivers. */
  readonly deliver?: { readonly branches: readonly string[] }
  readonly concurrency?: ConcurrencySpec
  readonly build: BuildSpec
  readonly data: readonly DatasetSpec[]
  readonly env: Readonly<Record<string, string>>
  readonly steps: readonly StepSpec[]
  readonly model?: ModelSpec
  readonly evaluation?: EvaluationSpec
  readonly gates: readonly GateSpec[]
  /** In the order of delivery; the champion is what serves the last one. */
  readonly environments: readonly EnvironmentSpec[]
  readonly notify: NotifySpec
}

/** An absent member: this event starts no run. */
export interface TriggerSpec {
  readonly push?: TriggerFilter
  readonly pullRequest?: TriggerFilter
  /** Of the file at the head of the default branch. */
  readonly schedule?: readonly ScheduleSpec[]
}

export interface ScheduleSpec {
  /** Minute, hour, day of the month, month, day of the week. */
  readonly cron: string
  readonly timezone: string
}

/** Globs. An absent list lets everything through. */
export interface TriggerFilter {
  readonly branches?: readonly string[]
  readonly branchesIgnore?: readonly string[]
  readonly tags?: readonly string[]
  readonly paths?: readonly string[]
  readonly pathsIgnore?: readonly string[]
}

export interface ConcurrencySpec {
  /** May hold expressions: `concurrencyGroup` in `starts-run.ts` fills them in. */
  readonly group: string
  readonly policy: ConcurrencyPolicy
}

export const CONCURRENCY_POLICIES = ['queue', 'cancel-running', 'replace-pending'] as const
export type ConcurrencyPolicy = (typeof CONCURRENCY_POLICIES)[number]

export interface BuildSpec {
  readonly python?: string
  /** Absent: found from the files of the commit. */
  readonly dependencies?: readonly string[]
  readonly interpreter?: string
  readonly system: readonly string[]
  /** Names of secrets that become variables of pip and uv. */
  readonly secrets: readonly string[]
  /** A wheel is made of the project in this folder. */
  readonly package?: { readonly path: string }
  readonly image?: ImageSpec
  /** Further ones by name, for steps that say `build: <name>`. */
  readonly environments: Readonly<Record<string, readonly string[]>>
}

/** A container image that is built of the commit. */
export interface ImageSpec {
  readonly file: string
  readonly context: string
  readonly target?: string
  /** Absent: the commit below `context`. */
  readonly deps?: readonly string[]
}

/** A dataset outside git. `path` is where it stands in the workspace of steps that have it in `deps`. */
export type DatasetSpec = DatasetSource & {
  readonly path: string
  /** No step sees it: it is there for the evaluation alone. */
  readonly only?: 'evaluation'
  /** People, and groups as `group:<name>`: a new digest needs the yes of one of them. */
  readonly owners?: readonly string[]
}

export type DatasetSource =
  | {
      readonly kind: 'production'
      /** How far back; absent: all that is kept. */
      readonly windowMs?: number
      /** Only rows whose label has arrived. */
      readonly labelled: boolean
    }
  | { readonly kind: 'file'; /** Absolute, on the server. */ readonly source: string }
  | { readonly kind: 'https'; readonly url: string; readonly secret?: string }
  /** A `key` that ends in `/`, or is empty, is a folder. */
  | { readonly kind: 's3'; readonly bucket: string; readonly key: string; readonly secret?: string }
  /** An output that DVC tracks in the repository; absent: the dataset's own path. */
  | { readonly kind: 'dvc'; readonly out?: string; readonly secret?: string }
  /** What people push with `tidegate data push`. */
  | { readonly kind: 'store' }
  /** A command that writes the path. */
  | {
      readonly kind: 'query'
      readonly run: string
      readonly deps: readonly string[]
      readonly env: Readonly<Record<string, string>>
      readonly secrets: readonly string[]
      readonly build?: string
    }

export interface StepSpec {
  readonly name: string
  readonly stage: StepStage
  /** A name of `build.environments`; absent: the default build environment. */
  readonly build?: string
  readonly run: string
  readonly if?: string
  /** Absent: the steps of earlier stages only. `[]`: not even those. */
  readonly needs?: readonly { readonly step: string; readonly optional: boolean }[]
  /** Absent: sees everything, never cached. */
  readonly deps?: readonly string[]
  readonly params: readonly string[]
  readonly outs: readonly string[]
  readonly metrics: readonly string[]
  readonly reports: { readonly junit: readonly string[]; readonly coverage: readonly string[] }
  readonly cache: boolean
  readonly env: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
  readonly endpoint?: 'candidate'
  readonly services: readonly Omit<PlanService, 'env'>[]
  readonly checkpoint: readonly string[]
  readonly matrix?: MatrixSpec
  /** `over`: an axis of the matrix. */
  readonly split?: { readonly tests: readonly string[]; readonly over?: string }
  readonly runsOn: string
  readonly resources: {
    readonly cpus: number
    readonly gpus: number
    readonly memoryBytes?: number
    readonly diskBytes?: number
  }
  readonly timeoutMs: number
  readonly silenceTimeoutMs?: number
  readonly retry: { readonly on: readonly EndReason[]; readonly limit: number }
}

export type MatrixValue = string | number | boolean
export type MatrixMember = Readonly<Record<string, MatrixValue>>

export interface MatrixSpec {
  readonly axes: Readonly<Record<string, readonly MatrixValue[]>>
  readonly include: readonly MatrixMember[]
  readonly exclude: readonly MatrixMember[]
  readonly maxParallel?: number
  readonly failFast: boolean
}

export interface ModelSpec {
  readonly path: string
  readonly runtime: ModelRuntime
  /** Code that belongs to the model. */
  readonly include: readonly string[]
  /** Input tensor → columns that fill it, ranges (`p0..p63`) written out. Absent tensors: by the default rule. */
  readonly inputs: Readonly<Record<string, readonly string[]>>
  readonly outputs: { readonly prediction?: string; readonly scores?: string; readonly classes?: readonly string[] }
  readonly reference?: string
  readonly card?: string
}

export type ModelRuntime =
  | { readonly kind: 'onnx' }
  /** `src/predict.py:Model`. */
  | { readonly kind: 'predict'; readonly entry: string }
  | { readonly kind: 'serve'; readonly run: string; readonly readyPath: string; readonly readyTimeoutMs: number }

export interface EvaluationSpec {
  readonly source: EvaluationSource
  readonly task: EvaluationTask
  /** The column that holds the truth. */
  readonly label: string
  /** The column that pairs rows; absent: the row's number. */
  readonly id?: string
  /** The column whose equal values belong together: what is resampled. */
  readonly unit?: string
  /** The column that says how much a row counts. */
  readonly weight?: string
  /** The class that matters. */
  readonly positive?: string
  /** Columns; `digit+ink` is looked at by every combination of the two. */
  readonly slices: readonly string[]
  /** By name: means over rows of a column that the author's code wrote. */
  readonly metrics?: Readonly<Record<string, OwnMetricSpec>>
}

export interface OwnMetricSpec {
  readonly column: string
  readonly better: 'higher' | 'lower'
}

export type EvaluationTask = 'classification' | 'regression'

export type EvaluationSource =
  /** Rows that Tidegate sends through the hosts. */
  | { readonly kind: 'data'; readonly path: string }
  /** Answers that the author's own code wrote: the evidence says so. `labels`: the rows that they answer, joined by id. */
  | { readonly kind: 'predictions'; readonly path: string; readonly labels?: string }

/**
 * `name` is unique in the file and is what people waive: `accuracy`, `accuracy-vs-champion`,
 * `accuracy-ink`, `latency-p95`. With `slice`, every value of that column must hold by itself.
 */
export type GateSpec =
  | {
      readonly kind: 'absolute'
      readonly name: string
      readonly metric: string
      readonly min?: number
      readonly max?: number
      /** The true value must be beyond the bound with this confidence; absent: the measured one. */
      readonly confidence?: number
      readonly slice?: string
      /** A slice value with fewer rows is not judged. */
      readonly minRows: number
    }
  | {
      readonly kind: 'champion'
      readonly name: string
      readonly metric: string
      /** How much worse than the champion is still let through, in the metric's own unit. */
      readonly margin: number
      readonly confidence: number
      readonly slice?: string
      readonly minRows: number
    }
  | { readonly kind: 'latency'; readonly name: string; readonly percentile: Percentile; readonly maxMs: number }
  | CheckSpec

/** A bound on what evaluation measured. */
export type MetricGate = Exclude<GateSpec, CheckSpec>

export type Percentile = 50 | 95 | 99

export interface EnvironmentSpec {
  readonly name: string
  readonly approval: 'none' | ApprovalSpec
  readonly acceptance?: AcceptanceSpec
  readonly window?: WindowSpec
  readonly strategy: 'phases' | 'blue-green' | 'all-at-once'
  /** Weights grow; the last phase always has weight 1. */
  readonly rollout: readonly RolloutPhase[]
  /** `request`, or `header:<name>` in lower case. */
  readonly routeBy: string
  readonly guardRails: readonly GuardRail[]
  /** How long guard rails go on after all traffic has moved. */
  readonly observeMs: number
  readonly runsOn: string
  readonly replicas: number
  readonly resources: { readonly cpus?: number; readonly memoryBytes: number }
  readonly log: LogSpec
  readonly labels: LabelSpec
  readonly monitors: readonly MonitorSpec[]
}

export interface ApprovalSpec {
  /** People, and groups as `group:<name>`. */
  readonly reviewers: readonly string[]
  readonly required: number
  readonly expiresMs: number
  readonly allowSelfApproval: boolean
}

export interface AcceptanceSpec {
  /** People, and groups as `group:<name>`. */
  readonly testers: readonly string[]
  /** Sign-offs. */
  readonly required: number
  /** A file of JSON lines in the commit; absent: testers sign without cases. */
  readonly cases?: string
  readonly blind: boolean
}

export const WEEK_DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type WeekDay = (typeof WEEK_DAYS)[number]

/** When a deployment may begin and move. Minutes count from midnight in `timezone`; `toMinute` is not included. */
export interface WindowSpec {
  readonly days: readonly WeekDay[]
  readonly fromMinute: number
  readonly toMinute: number
  readonly timezone: string
}

export interface RolloutPhase {
  /** The challenger's share, 0..1. */
  readonly weight: number
  readonly forMs: number
  /** The phase lasts until this many requests too. */
  readonly minRequests?: number
  /** Past this a person is asked. */
  readonly atMostMs?: number
}

/** `name` is unique in the environment and readable: `error-rate`, `latency-p99`, `accuracy`. */
export type GuardRail =
  | {
      readonly kind: 'errors'
      readonly name: string
      readonly max?: number
      /** Over the champion, absolute. */ readonly maxIncrease?: number
    }
  | { readonly kind: 'latency'; readonly name: string; readonly percentile: Percentile; readonly maxMs: number }
  /** From labels: may stop a rollout, never holds it. */
  | {
      readonly kind: 'labels'
      readonly name: string
      readonly metric: string
      readonly min?: number
      readonly maxDecrease?: number
    }

export interface LogSpec {
  readonly inputs: 'all' | 'none'
  /** Columns that are never kept. */
  readonly drop: readonly string[]
  /** 0..1 of the requests. */
  readonly sample: number
  readonly keepMs: number
}

export interface LabelSpec {
  /** `request`: the request's id; else the name of a column that both rows and labels have. */
  readonly key: string
  /** A row without a label is called late after this. */
  readonly maturesMs: number
}

export type MonitorWindow =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'rows'; readonly rows: number }

interface MonitorBase {
  /** Unique in the environment: `drift`, `performance-accuracy`, `latency-p99`. */
  readonly name: string
  readonly window: MonitorWindow
  /** So many windows in a row must show it before it is an alert. */
  readonly forWindows: number
  readonly actions: readonly MonitorAction[]
}

export type MonitorSpec =
  | (MonitorBase & { readonly kind: 'drift'; readonly features: 'all' | readonly string[] })
  | (MonitorBase & { readonly kind: 'quality' })
  | (MonitorBase & {
      readonly kind: 'performance'
      readonly metric: string
      readonly min?: number
      readonly max?: number
    })
  | (MonitorBase & { readonly kind: 'latency'; readonly percentile: Percentile; readonly maxMs: number })

export type MonitorAction =
  | { readonly kind: 'notify' }
  | { readonly kind: 'rollback' }
  | {
      readonly kind: 'retrain'
      readonly cooldownMs: number
      readonly limit?: { readonly runs: number; readonly perMs: number }
    }

export const NOTIFY_OCCASIONS = [
  'failure',
  'success',
  'approval-needed',
  'acceptance-needed',
  'alert',
  'rollback',
  'deployed',
] as const
export type NotifyOccasion = (typeof NOTIFY_OCCASIONS)[number]

export interface NotifySpec {
  readonly webhooks: readonly string[]
  readonly on: readonly NotifyOccasion[]
}
