import type { DatasetSpec } from './pipeline.ts'

/** What a plan depends on besides the pipeline file. */
export interface PlanContext {
  /** The project's name: the model's too, where the file gives none. */
  readonly project: string
  readonly branch: string
  readonly tag?: string
  readonly defaultBranch: string
  readonly event: RunEvent
  /** Paths of the commit. */
  readonly files: readonly string[]
  /** Of a working folder: whether something stands there that a commit would not hold. Asked of paths that `files` lacks. */
  readonly isLeftOut?: (path: string) => boolean
  /** Paths that a part of the file which has errors may make: they are not missing. `''`: any path. */
  readonly perhapsMade?: readonly string[]
  /** When given, every person and group the file names must be one of these. */
  readonly people?: { readonly persons: readonly string[]; readonly groups: readonly string[] }
  /** When given, a secret that the file names and that is none of these is doubted. */
  readonly secrets?: readonly string[]
  /** The datasets of the rules that apply, those from before the change: what they guard stays guarded. */
  readonly dataBefore?: readonly DatasetSpec[]
  /** Contents of params files by path, for `params.x` in expressions; absent: read by `readText`. */
  readonly params?: Readonly<Record<string, unknown>>
  /** The text of a file of the commit: requirement files, for what they include, and params files. */
  readonly readText?: (path: string) => string | undefined
  /** How long the tests of a file took lately, for `split`; undefined: not known. */
  readonly secondsOf?: (path: string) => number | undefined
}

/** What a run can be of; `event` in expressions is one of these. */
export const RUN_EVENTS = ['push', 'pull-request', 'schedule', 'manual', 'alert', 'local'] as const

export type RunEvent = (typeof RUN_EVENTS)[number]
