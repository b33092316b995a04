import type { ArtifactRef, TreeFile } from '../tree.ts'
import type { Digest } from '../digest.ts'
import type { LostFile } from '../lost-content.ts'
import type { PlanService } from '../plan.ts'
import type { EndReason } from '../run-state.ts'
import type { TaskOutput } from '../task.ts'

/**
 * Runs attempts somewhere. What an attempt *did* is never inferred from the place it ran: beside each
 * command runs our supervisor, which fills the workspace from digests, keeps the log by offset, stores the
 * outputs and writes one completion record. An executor only starts, looks at and stops supervisors.
 *
 * Life cycle: `submit` → `observe` … → `forget`. All methods are idempotent and can be called by a process
 * that did not start the attempt. `submit` of an id that is already there adopts it.
 */
export interface Executor extends AsyncDisposable {
  readonly id: string
  /** What there is to run on; `cpus` bounds admission. */
  probe(): Promise<{ cpus: number; gpus: number; memoryBytes: number }>
  /**
   * Secrets are handed over apart from the order, because the order is written to disk. What can be prepared may be, but
   * nothing that the order names runs before `confirmed` is fulfilled. Where it is rejected nothing does while this process
   * lives: whoever comes next decides, who finds the attempt or not. Absent: at once.
   */
  submit(order: AttemptOrder, secrets: Readonly<Record<string, string>>, confirmed?: Promise<void>): Promise<Handle>
  /** One call for many. `ended` carries the completion record; `gone` means no supervisor and no record. */
  observe(handles: readonly Handle[]): Promise<Map<Handle, Observation>>
  /** Asks for the end: TERM to the whole tree, `graceMs`, KILL, sweep. Returns at once; `observe` tells when it is dead. */
  cancel(handle: Handle, graceMs: number): Promise<void>
  /** Ends an attempt whose supervisor hangs: kills it and everything of the attempt, without a word. It leaves no record. */
  abandon(handle: Handle): Promise<void>
  /**
   * Calls with an attempt that may have ended, so that `observe` need not be asked often. A hint and no more: it may
   * not come, for attempts of an earlier process it never does, and what it means only `observe` says. Returns
   * how to stop. Absent: the executor is asked at short intervals.
   */
  onHint?(listener: (handle: Handle) => void): () => void
  listOwned(): Promise<Handle[]>
  /** Removes what is left of an ended or gone attempt: workspace and control files, not the log. */
  forget(handle: Handle): Promise<void>
}

/** Names an attempt's place in its executor; stored with the attempt. For `local` the attempt's folder. */
export type Handle = string

export type Observation =
  | { readonly kind: 'queued' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly pid?: number; readonly startedAt?: number; readonly logBytes: number }
  | { readonly kind: 'ended'; readonly record: CompletionRecord }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unreachable'; readonly why: string }

/** Everything a supervisor needs, as JSON. Written to `order.json` in the attempt's folder. */
export interface AttemptOrder {
  readonly version: 1
  /** `project#12/step/1`: unique for ever. */
  readonly attemptId: string
  readonly attemptFolder: string
  readonly workspace: string
  readonly storeFolder: string
  /** Files to put into the workspace before the command starts. */
  readonly inputs: readonly TreeFile[]
  /** Large folders beside them, which the command may only read: mounted where that can be done, else copied. */
  readonly folders?: readonly FolderInput[]
  /** Made where no file of `inputs` is in them: outputs are promised below. */
  readonly outFolders?: readonly string[]
  readonly command: CommandOrder | TaskOrder
  /** The complete environment: nothing is inherited. Secrets come on top, apart. */
  readonly env: Readonly<Record<string, string>>
  readonly secretNames: readonly string[]
  /** Paths collected into the store when the command has ended well. */
  readonly outs: readonly string[]
  /** Collected even when the command failed: reports, metrics. */
  readonly keep: readonly string[]
  /** Beside the command, in sessions of their own; it starts when all of them are ready. */
  readonly services?: readonly PlanService[]
  readonly checkpoint?: CheckpointOrder
  readonly timeoutMs: number
  readonly silenceTimeoutMs?: number
  readonly graceMs: number
  readonly logLimitBytes: number
  readonly memoryBytes?: number
  /** Of its workspace, home and temporary folder together. */
  readonly diskBytes?: number
  /** Processes at a time. */
  readonly processes?: number
  /** Commands run behind the walls of bubblewrap. */
  readonly sandbox?: boolean
  /** Somebody wants to look afterwards: workspace, home and environment stay as they are, until `forget`. */
  readonly debug?: { readonly keptMs: number }
  /** The unprivileged user the command runs as, when the server is root. */
  readonly runAs?: { readonly uid: number; readonly gid: number }
}

export interface FolderInput {
  readonly path: string
  readonly tree: ArtifactRef
}

export interface CheckpointOrder {
  /** Collected when the attempt did not succeed. */
  readonly paths: readonly string[]
  /** What an attempt before this one left, put into the workspace. */
  readonly files: readonly TreeFile[]
  /** The workspace of an attempt that was lost: what stands there at `paths` is newer than `files`. */
  readonly lostWorkspace?: string
}

export interface CommandOrder {
  readonly kind: 'command'
  readonly run: string
}

export interface TaskOrder {
  readonly kind: 'task'
  readonly task: string
  readonly dataFolder: string
  /** Already complete: the plan's input with what `prepare` added. */
  readonly input: unknown
}

/** Written once, by rename, to `done.json`: the only truth about how an attempt ended. */
export interface CompletionRecord {
  readonly version: 1
  readonly attemptId: string
  readonly outcome: 'succeeded' | 'failed' | 'cancelled'
  readonly reason?: EndReason
  /** One sentence for people; says what to do where something can be done. */
  readonly message?: string
  readonly exitCode?: number
  readonly signal?: string
  readonly startedAt: number
  readonly endedAt: number
  readonly logBytes: number
  readonly logLostBytes: number
  readonly logDigest?: Digest
  readonly outs: Readonly<Record<string, ArtifactRef>>
  readonly kept: Readonly<Record<string, ArtifactRef>>
  readonly checkpoint?: Readonly<Record<string, ArtifactRef>>
  readonly taskOutput?: TaskOutput
  /** With `damaged-input`: what was damaged or gone, or the first of it. */
  readonly lost?: readonly LostFile[]
}
