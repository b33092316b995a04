import type { Digest } from '../core/digest.ts'
import type { TaskContext } from '../core/task.ts'
import type { DuckDBConnection } from '../lib/open-analytics.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import type { EvaluatedModel, OpenHost } from './ask-model.ts'
import type { TimedEndpoint } from './measure-latency.ts'

export type EvaluateInput = TaskInputs['evaluate'] & {
  readonly candidate: EvaluatedModel
  /** `answers`: see `Champion`. */
  readonly champion?: EvaluatedModel & { readonly version: number; readonly answers?: Digest }
  /** Why there is none. */
  readonly noChampion?: string
}

export interface EvaluateDeps {
  /** Fails with INVALID_INPUT or UPSTREAM for a model that does not load. */
  readonly openHost: OpenHost
  /** The candidate behind the gateway; there whenever the input says `latency`. */
  readonly endpoint?: TimedEndpoint
}

/** What every stretch of one evaluation works with. */
export interface EvaluationPlace {
  readonly input: EvaluateInput
  readonly deps: EvaluateDeps
  readonly context: TaskContext
  readonly connection: DuckDBConnection
}
