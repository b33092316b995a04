import type { NewEvent } from '../core/events.ts'
import type { Plan, PlanStep, TaskName } from '../core/plan.ts'
import type { AttemptOrder, CompletionRecord, Executor } from '../core/ports/executor.ts'
import type { TaskOutput } from '../core/task.ts'
import type { ArtifactRef, TreeFile } from '../core/tree.ts'
import type { Digest } from '../core/digest.ts'
import type { Database, Writer } from '../db/open-database.ts'
import type { AttemptRow, RunRow } from '../db/tables.ts'
import type { StepOutputs } from './step-outputs.ts'

/** All that the engine is given: it opens nothing itself and knows no other part. */
export interface EngineOptions {
  readonly database: Database
  /** By the name that a step's `runsOn` has. */
  readonly executors: ReadonlyMap<string, Executor>
  /** Attempts live under `<dataFolder>/attempts`, their workspaces under `<dataFolder>/workspaces`. */
  readonly dataFolder: string
  /** What tasks get as the data folder, for what installations on a machine share; default: `dataFolder`. */
  readonly taskFolder?: string
  readonly storeFolder: string
  /** The files of a tree, with paths relative to it. */
  readTree(ref: ArtifactRef): Promise<readonly TreeFile[]>
  readBytes(digest: Digest): Promise<Uint8Array>
  putBytes(bytes: Uint8Array | string): Promise<ArtifactRef>
  /** Why the artifact, or a file of a tree, cannot be used any more, as the end of a sentence; undefined: it can. */
  artifactTrouble(ref: ArtifactRef): Promise<string | undefined>
  /** Puts the files of a run's commit into the store again, where some are lost. Says whether all are there now. */
  mendSource?(run: RunRow): Promise<boolean>
  readonly tasks: Readonly<Partial<Record<TaskName, TaskBinding>>>
  /** Outputs that a step has without running and whatever its cache key, and why: a dataset that was frozen before. */
  known?(context: PrepareContext): Promise<{ readonly outputs: StepOutputs; readonly why: string } | undefined>
  /**
   * Called before an attempt is handed over; again for the same attempt when the server died meanwhile, and
   * what it answered the first time must then stay good until `closeStep`.
   */
  openStep(context: AttemptContext): Promise<StepOpening>
  /** After the attempt, whatever became of it, also after a crash. Idempotent. */
  closeStep(context: AttemptContext): Promise<void>
  /** Reads what an ended attempt left, before the settling transaction. `context.attempt` is absent for cached steps. */
  readResults(context: StepContext, record: CompletionRecord): Promise<EndedResults>
  /** Stores what `readResults` answered, in the settling transaction. Not `isLast`: another attempt follows. */
  writeResults(
    writer: Writer,
    context: StepContext,
    results: EndedResults,
    isLast: boolean,
  ): Promise<readonly NewEvent[]>
  /** By project, for those that have more or less than 1: twice the weight gets twice as much of what is scarce. */
  weights?(): Promise<ReadonlyMap<string, number>>
  /** The user a command runs as; tasks run as the server's. */
  runAs?(attemptId: string): AttemptOrder['runAs']
  /** Commands run behind walls: `server.yaml` asks for it, and this machine can. */
  readonly sandbox?: boolean
  /** Of one attempt; default: the limit `logBytes`. */
  readonly logLimitBytes?: number
  /** How long after its timeout and grace a supervisor is given up; default: the limit `attemptBackstopMs`. */
  readonly backstopMs?: number
  readonly log: EngineLog
}

/** What the engine looks at of an attempt's results; the rest is its owner's. */
export interface EndedResults {
  /** The command failed only by what shall not count: the step succeeds, and this sentence says why. */
  readonly overlook?: string
  /** It failed by what shall not count, but perhaps by more: why the step fails all the same. */
  readonly notOverlooked?: string
}

export interface StepOpening {
  readonly env: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
}

/** The engine's side of one task. */
export interface TaskBinding {
  /** Part of the cache key: raise it when the task's code changes what it answers. */
  readonly version: number
  /** Completes the plan's input from rows. The same rows must give the same input: it is part of the cache key. */
  prepare?(context: PrepareContext): Promise<unknown>
  /** Whether what a cached output names is still there; otherwise the reason, as a sentence. */
  missing?(output: TaskOutput): Promise<string | undefined>
  /** Of outputs that no run can make again: how somebody brings them back. */
  remedy?(project: string, input: unknown): string | undefined
  /** In the settling transaction, also for an output with a `failure`, and for cached and adopted ones. */
  settle?(writer: Writer, context: SettleContext): Promise<readonly NewEvent[]>
}

export interface StepContext {
  readonly run: RunRow
  readonly plan: Plan
  readonly step: PlanStep
  /** Of the steps of this run that have succeeded, by key. */
  readonly outputs: ReadonlyMap<string, StepOutputs>
  readonly attempt?: AttemptRow
}

export interface AttemptContext extends StepContext {
  readonly attempt: AttemptRow
}

export interface PrepareContext extends StepContext {
  readonly inputs: readonly TreeFile[]
}

export interface SettleContext extends StepContext {
  readonly output: TaskOutput
  readonly cached: boolean
}

export interface EngineLog {
  info(facts: object, event: string): void
  warn(facts: object, event: string): void
  error(facts: object, event: string): void
}
