import type { StepStage } from './stages.ts'
import type { EndReason } from './run-state.ts'

/**
 * What a pipeline file at a commit means for one run: the engine's only input. Plain JSON, made by
 * `pipeline/plan.ts`, stored with the run, never changed. The engine reads `steps`; the rest of the file
 * (model, evaluation, gates, environments) is for the parts and flows that know those words.
 */
export interface Plan {
  readonly version: 1
  readonly steps: readonly PlanStep[]
}

export interface PlanStep {
  /** Unique in the plan: the step's name, `name (0, 3.11)` for a matrix member, `build:dev` for a task. */
  readonly key: string
  readonly stage: StepStage
  readonly needs: readonly Need[]
  /** Steps whose output `provides` environment to this one (a build environment); each is also a need. */
  readonly uses: readonly string[]
  /** An expression over branch, event, outcomes …; absent: `success()`. */
  readonly if?: string
  readonly work: CommandWork | TaskWork
  /** Declared inputs: paths, folders (ending in `/`) and globs. Absent: the step sees everything, and is never cached. */
  readonly deps?: readonly string[]
  /** `file` or `file:dotted.key`; the step sees only this subtree. */
  readonly params: readonly string[]
  readonly outs: readonly string[]
  /** Keys of the only steps that are given its outs; whatever stands at their paths otherwise is hidden too. Absent: all. */
  readonly audience?: readonly string[]
  readonly metrics: readonly string[]
  readonly reports: { readonly junit?: readonly string[]; readonly coverage?: readonly string[] }
  readonly cache: boolean
  readonly matrix?: Readonly<Record<string, string | number | boolean>>
  /** Of a member of a matrix: what holds for all of its members together. */
  readonly siblings?: Siblings
  /** Files of tests that are this member's share; they stand in the file that `TIDEGATE_SPLIT_FILE` names. */
  readonly split?: readonly string[]
  readonly endpoint?: 'candidate'
  /** Programs that run beside the command, and must be ready before it starts. */
  readonly services?: readonly PlanService[]
  /** Folders and files that an attempt which did not succeed hands to the next one. */
  readonly checkpoint?: readonly string[]
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

export interface PlanService {
  readonly name: string
  /** For `sh -c`, as a step's; listens on $PORT. */
  readonly run: string
  /** Of expressions in `run` and in a `command` of `ready`. */
  readonly env: Readonly<Record<string, string>>
  readonly ready: ServiceReadiness
  readonly timeoutMs: number
}

export type ServiceReadiness =
  /** Something accepts connections on its port. */
  | { readonly kind: 'tcp' }
  /** This path answers with 2xx. */
  | { readonly kind: 'http'; readonly path: string }
  /** This ends with 0. */
  | { readonly kind: 'command'; readonly run: string }

export interface Siblings {
  /** The step's name: members are `name (…)`. */
  readonly of: string
  /** So many members run at a time; absent: as many as there is room for. */
  readonly maxParallel?: number
  /** When one member fails, those that wait are skipped and those that run are cancelled. */
  readonly failFast: boolean
}

export interface Need {
  readonly step: string
  /** A need that is not in the plan, or was skipped, does not block. */
  readonly optional: boolean
  /** True where the need comes from a dep that is the other step's out. */
  readonly data: boolean
}

export interface CommandWork {
  readonly kind: 'command'
  /** For `sh -c` with `set -e`; expressions in it already are quoted shell variables from `env`. */
  readonly run: string
  readonly env: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
}

/**
 * A function of ours, by name, run in a process of its own (`core/task.ts`). `input` is what the plan
 * knows; the rest is added by the task's `prepare` when it starts.
 */
export interface TaskWork {
  readonly kind: 'task'
  readonly task: TaskName
  readonly input: unknown
}

/**
 * Tasks there are. `core` names them so that plan, engine and flows agree; each is implemented in the
 * part that owns its subject.
 */
export const TASKS = {
  'build-environment': 'resolve, lock and install one build environment',
  'build-image': 'build one container image of the commit',
  'check-sources': 'find syntax errors, missing imports and files before any test runs',
  'freeze-dataset': 'fetch one dataset and name it by its digest',
  'check-datasets': 'refuse a retraining run for which no dataset has changed',
  'make-bundle': 'put together what is promoted: model, included files, lock, signature, card',
  evaluate: 'send held-out rows through candidate and champion, compute metrics',
  gate: 'decide every gate',
  register: 'make the bundle a numbered version',
} as const satisfies Record<string, string>

export type TaskName = keyof typeof TASKS
