import { ATTEMPT_TRANSITIONS, RUN_TRANSITIONS, STEP_TRANSITIONS } from '../core/run-state.ts'
import type { Database, Writer } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import type { RunRow } from '../db/tables.ts'
import { tryTransition } from '../db/transition.ts'
import { listActiveAttemptsOf } from './attempts.sql.ts'
import { runEnded, stepEnded } from './run-events.ts'
import { listSteps, setRunEnded } from './runs.sql.ts'

/**
 * Ends a queued run at once; a running one starts nothing more and is `cancelling` until its last process
 * is dead. Undefined: it has ended, or is being cancelled already.
 */
export async function askForCancel(
  writer: Writer,
  kind: Database['kind'],
  runId: string,
  reason: string,
): Promise<RunRow | undefined> {
  const run = await tryTransition(writer, {
    table: 'runs',
    transitions: RUN_TRANSITIONS,
    event: 'cancel',
    where: { id: runId },
    set: { reason },
  })
  if (run === undefined) return undefined
  await cancelWaitingSteps(writer, kind, run, reason)
  for (const attempt of await listActiveAttemptsOf(writer, runId)) {
    await tryTransition(writer, {
      table: 'attempts',
      transitions: ATTEMPT_TRANSITIONS,
      event: 'cancel',
      where: { id: attempt.id },
      set: { reason: 'cancelled', message: reason },
    })
  }
  return run.state === 'cancelled' ? closeQueuedRun(writer, kind, run) : run
}

async function cancelWaitingSteps(writer: Writer, kind: Database['kind'], run: RunRow, reason: string): Promise<void> {
  for (const step of await listSteps(writer, run.id)) {
    if (step.state !== 'waiting') continue
    const moved = await tryTransition(writer, {
      table: 'steps',
      transitions: STEP_TRANSITIONS,
      event: 'cancel',
      where: { run_id: run.id, key: step.key },
      set: { reason: 'cancelled', message: reason, why: reason, outputs: null, ended_at: Date.now() },
    })
    if (moved !== undefined) await appendEvents(writer, kind, [stepEnded(run.project, moved)])
  }
}

async function closeQueuedRun(writer: Writer, kind: Database['kind'], run: RunRow): Promise<RunRow> {
  const closed = { ...run, ended_at: Date.now() }
  await setRunEnded(writer, run.id, closed.ended_at)
  await appendEvents(writer, kind, [runEnded(closed)])
  return closed
}
