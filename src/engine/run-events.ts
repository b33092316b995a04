import type { NewEvent } from '../core/events.ts'
import type { AttemptRow, RunRow, StepRow } from '../db/tables.ts'

export function runCancelling(run: RunRow): NewEvent {
  const { cancel_mode: mode, reason } = run
  return { kind: 'run.cancelling', project: run.project, subject: run.id, data: { mode, reason } }
}

export function runEnded(run: RunRow): NewEvent {
  return {
    kind: 'run.ended',
    project: run.project,
    subject: run.id,
    data: { state: run.state, reason: run.reason, seconds: secondsOf(run.started_at, run.ended_at) },
  }
}

export function stepStarted(project: string, step: StepRow): NewEvent {
  const { key, stage, attempt, cache, why } = step
  return { kind: 'step.started', project, subject: subjectOf(step), data: { step: key, stage, attempt, cache, why } }
}

export function stepEnded(project: string, step: StepRow): NewEvent {
  const { key, stage, state, cache, why, reason, message, attempt } = step
  return {
    kind: 'step.ended',
    project,
    subject: subjectOf(step),
    data: {
      step: key,
      stage,
      state,
      seconds: secondsOf(step.started_at, step.ended_at),
      attempt,
      cache,
      why,
      reason,
      message,
    },
  }
}

export function attemptStarted(project: string, attempt: AttemptRow): NewEvent {
  return {
    kind: 'attempt.started',
    project,
    subject: attempt.id,
    data: { step: attempt.step, attempt: attempt.number, executor: attempt.executor },
  }
}

export function attemptEnded(project: string, attempt: AttemptRow): NewEvent {
  const { step, number, state, reason, message } = attempt
  return {
    kind: 'attempt.ended',
    project,
    subject: attempt.id,
    data: {
      step,
      attempt: number,
      state,
      reason,
      message,
      exitCode: attempt.exit_code,
      seconds: secondsOf(attempt.started_at, attempt.ended_at),
      logBytes: attempt.log_bytes,
      logLostBytes: attempt.log_lost_bytes,
    },
  }
}

function subjectOf(step: StepRow): string {
  return `${step.run_id}/${step.key}`
}

/** Rounded to milliseconds; 0 for what never started. */
function secondsOf(from: number | null, to: number | null): number {
  return from === null || to === null ? 0 : Math.max(0, to - from) / 1_000
}
