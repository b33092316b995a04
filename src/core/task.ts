import type { Readable } from 'node:stream'
import type { ArtifactRef, TreeFile } from './tree.ts'
import type { Digest } from './digest.ts'
import type { TaskName } from './plan.ts'
import type { EndReason } from './run-state.ts'
import { isAppError } from './errors.ts'
import { isLostContent } from './lost-content.ts'

/**
 * A task's own half: runs in a child process under a supervisor, as an attempt like any other. It reads
 * `input`, may read and write the store, prints its log to stdout, and returns its output. It touches no
 * database. Idempotent: an attempt that was lost may run again.
 */
export interface Task<Input = unknown, Output extends TaskOutput = TaskOutput> {
  readonly name: TaskName
  run(input: Input, context: TaskContext): Promise<Output>
}

export interface TaskContext {
  /** An empty folder of its own; deleted afterwards. */
  readonly workspace: string
  /** The installation's data folder, for caches that are shared on purpose (`<data>/environments`). */
  readonly dataFolder: string
  readonly artifacts: TaskArtifacts
  readonly signal: AbortSignal
  /** One line of the attempt's log. */
  log(line: string): void
}

/** What a task may do with content; implemented by `artifacts/`. */
export interface TaskArtifacts {
  putFile(path: string): Promise<ArtifactRef>
  putFolder(path: string): Promise<ArtifactRef>
  /** As `putFolder`, reading only files that changed since the last call with this `indexFile`. */
  putFolderAgain(path: string, indexFile: string): Promise<ArtifactRef>
  /** Never through memory. */
  putStream(content: Readable): Promise<ArtifactRef>
  /** A folder of files that are stored already. */
  putTree(files: readonly TreeFile[]): Promise<ArtifactRef>
  filesOf(tree: ArtifactRef): Promise<readonly TreeFile[]>
  /** Whether it is stored, and stays: garbage collection spares it for now, as it does what was just put. */
  keep(digest: Digest): Promise<boolean>
  /** Whether it was damaged, and set aside, of late: then that is why it is not there. */
  wasDamaged(digest: Digest): Promise<boolean>
  /** Where content lies, in a store of files on this machine: to read, never to write. */
  localPath(digest: Digest): string | undefined
  putBytes(bytes: Uint8Array | string): Promise<ArtifactRef>
  read(digest: Digest): Promise<Buffer>
  /** Writes the file, or the whole folder, to `path`, verified. */
  restore(ref: ArtifactRef, path: string): Promise<void>
}

/** What every task answers. The engine looks at these members only; `result` is for the flow's `settle`. */
export interface TaskOutput {
  /** Outputs by path, as a command's `outs`: later steps get them through their `deps`. */
  readonly outs?: Readonly<Record<string, ArtifactRef>>
  /** What steps that `use` this one get: environment, folders in front of PATH, and their part of the cache key. */
  readonly provides?: Provided
  readonly metrics?: Readonly<Record<string, number>>
  /** Present: the attempt failed, for this reason, and this sentence is shown. */
  readonly failure?: { readonly reason: EndReason; readonly message: string }
  readonly result?: unknown
  /** `false`: true of this time only. The same step of a later run, or of a rerun, works it out again. */
  readonly cacheable?: false
}

export interface Provided {
  readonly env: Readonly<Record<string, string>>
  readonly path: readonly string[]
  readonly cacheKey: string
}

/** What a person's input made impossible is the attempt's failure, in words; anything else is thrown on. */
export function failureOf(error: unknown): Pick<TaskOutput, 'failure'> {
  if (!isLostContent(error) && isAppError(error) && error.status < 500)
    return { failure: { reason: 'refused', message: error.message } }
  throw error
}
