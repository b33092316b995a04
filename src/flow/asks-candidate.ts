import type { StepContext } from '../engine/engine-options.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { rulesOfRun } from './run-rules.ts'

type Asking = Pick<StepContext, 'run' | 'step'>

/** Whether the candidate stands behind the gateway while an attempt at this step runs. */
export function asksCandidate(context: Asking): boolean {
  return context.step.endpoint === 'candidate' || measuresLatency(context)
}

/** The gates of the rules that apply may look at latency where the change's own do not. An author's table has no answers to time. */
export function measuresLatency({ run, step }: Asking): boolean {
  if (step.work.kind !== 'task' || step.work.task !== 'evaluate') return false
  const { latency, evaluation } = step.work.input as TaskInputs['evaluate']
  if (evaluation.source.kind !== 'data') return false
  return latency || (rulesOfRun(run)?.gates ?? []).some(({ kind }) => kind === 'latency')
}
