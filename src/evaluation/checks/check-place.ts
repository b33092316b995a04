import type { TaskContext } from '../../core/task.ts'
import type { EvaluationSpec } from '../../pipeline/pipeline.ts'
import type { EvaluatedModel, OpenHost } from '../ask-model.ts'
import type { EvaluationResult, RowOutcomes } from '../evaluation-result.ts'

/** What checks look at. What is absent was not made, or failed: a check that needs it cannot tell. */
export interface CheckPlace {
  readonly candidate?: EvaluatedModel
  readonly evaluation?: EvaluationSpec
  readonly result?: EvaluationResult
  readonly outcomes?: RowOutcomes
  readonly openHost: OpenHost
  readonly context: TaskContext
}
