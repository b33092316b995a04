import { limit } from '../core/limits.ts'
import type { PlanStep } from '../core/plan.ts'
import type { AttemptRow, RunRow } from '../db/tables.ts'
import { attemptPlace } from './attempt-place.ts'

/** Where somebody can go on where an attempt of a debug run has stopped. */
export interface DebugPlace {
  readonly folder: string
  /** For `.` in a shell: the step's variables, without its secrets. */
  readonly environment: string
  readonly until: number
}

/** Tasks are ours, and have nothing to look at. */
export function isKeptForDebug(context: { readonly run: Pick<RunRow, 'debug'>; readonly step: PlanStep }): boolean {
  return context.run.debug === 1 && context.step.work.kind === 'command'
}

/** Undefined: it goes on, or its workspace has been cleared away. */
export function debugPlace(
  dataFolder: string,
  run: RunRow,
  attempt: Pick<AttemptRow, 'step' | 'number' | 'handle' | 'ended_at'>,
): DebugPlace | undefined {
  if (attempt.ended_at === null || attempt.handle === null) return undefined
  const { workspace } = attemptPlace(dataFolder, run, attempt.step, attempt.number)
  return { folder: workspace, environment: `${workspace}.env`, until: attempt.ended_at + limit('workspaceKeepMs') }
}
