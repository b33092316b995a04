import type { CompletionRecord } from '../core/ports/executor.ts'
import type { Provided, TaskOutput } from '../core/task.ts'
import type { ArtifactRef } from '../core/tree.ts'

/** What a step that succeeded left: `steps.outputs` and `step_cache.outputs` hold it as JSON. */
export interface StepOutputs {
  /** By path; what later steps get through their `deps`. */
  readonly outs: Readonly<Record<string, ArtifactRef>>
  /** Reports and metrics files, by path. */
  readonly kept: Readonly<Record<string, ArtifactRef>>
  readonly provides?: Provided
  readonly metrics?: Readonly<Record<string, number>>
  /** What a task answered, for its `settle`. */
  readonly result?: unknown
  /** See `TaskOutput.cacheable`. */
  readonly cacheable?: false
  /** The run that made them, when it is another one; of another project's it is not said which. */
  readonly cachedFrom?: string
  /** How the attempt that made them ended. */
  readonly ended: Omit<CompletionRecord, 'outs' | 'kept' | 'checkpoint' | 'taskOutput'>
}

export function outputsOf(record: CompletionRecord): StepOutputs {
  const { outs, kept, taskOutput, checkpoint: _, ...ended } = record
  return {
    outs: { ...outs, ...taskOutput?.outs },
    kept,
    ...(taskOutput?.provides === undefined ? {} : { provides: taskOutput.provides }),
    ...(taskOutput?.metrics === undefined ? {} : { metrics: taskOutput.metrics }),
    ...(taskOutput?.result === undefined ? {} : { result: taskOutput.result }),
    ...(taskOutput?.cacheable === undefined ? {} : { cacheable: taskOutput.cacheable }),
    ended,
  }
}

/** The completion record again, for whoever reads results of a step that did not run this time. */
export function recordOf(outputs: StepOutputs): CompletionRecord {
  return { ...outputs.ended, outs: outputs.outs, kept: outputs.kept, taskOutput: taskOutputOf(outputs) }
}

export function taskOutputOf(outputs: StepOutputs): TaskOutput {
  return {
    outs: outputs.outs,
    ...(outputs.provides === undefined ? {} : { provides: outputs.provides }),
    ...(outputs.metrics === undefined ? {} : { metrics: outputs.metrics }),
    ...(outputs.result === undefined ? {} : { result: outputs.result }),
  }
}

/** Every artifact that must still be stored for the outputs to be usable. */
export function artifactsOf(outputs: StepOutputs): ArtifactRef[] {
  return [...Object.values(outputs.outs), ...Object.values(outputs.kept)]
}

export function parseOutputs(json: string): StepOutputs {
  return JSON.parse(json) as StepOutputs
}
