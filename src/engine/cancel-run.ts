import { ATTEMPT_TRANSITIONS, isHarder, RUN_TRANSITIONS, STEP_TRANSITIONS, type CancelMode } from '../core/run-state.ts'
import type { Database, Writer } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import type { RunRow } from '../db/tables.ts'
import { tryTransition } from '../db/transition.ts'
import { listActiveAttemptsOf } from './attempts.sql.ts'
import { runsAlways } from './decide-step.ts'
import { runCancelling, runEnded, stepEnded } from './run-events.ts'
import { getPlan, getRun, listSteps, setRunEnded } from './runs.sql.ts'

export interface CancelRequest {
  readonly mode: CancelMode
  /** Who or what, and in which way: a sentence. */
  readonly reason: string
}

/**
 * Ends a queued run at once, whatever the mode. One that goes on becomes `cancelling`, until the last of its
 * steps has ended; which of them are killed, and which may still start, is the mode's word. One that is
 * `cancelling` can be cancelled harder. Undefined: nothing was changed.
 */
export async function askForCancel(
  writer: Writer,
  kind: Database['kind'],
  runId: string,
  request: CancelRequest,
): Promise<RunRow | undefined> {
  const run = await moveRun(writer, runId, request)
  if (run === undefined) return undefined
  const spared = request.mode === 'now-run-always' ? await alwaysSteps(writer, run.id) : new Set<string>()
  await cancelWaitingSteps(writer, kind, run, { ...request, spared: run.state === 'cancelled' ? new Set() : spared })
  if (request.mode !== 'after-current') await cancelAttempts(writer, run, request.reason, spared)
  if (run.state === 'cancelled') return closeQueuedRun(writer, kind, run)
  await appendEvents(writer, kind, [runCancelling(run)])
  return run
}

/** Whether steps of a run may still begin: what is left waiting in one that is being cancelled was spared. */
export function startsSteps(run: Pick<RunRow, 'state' | 'cancel_mode'>): boolean {
  return run.state === 'running' || (run.state === 'cancelling' && run.cancel_mode === 'now-run-always')
}

async function moveRun(writer: Writer, id: string, { mode, reason }: CancelRequest): Promise<RunRow | undefined> {
  const move = { table: 'runs', transitions: RUN_TRANSITIONS, set: { reason, cancel_mode: mode } } as const
  const moved = await tryTransition(writer, { ...move, event: 'cancel', where: { id } })
  if (moved !== undefined) return moved
  const now = await getRun(writer, id)
  if (now?.state !== 'cancelling' || !isHarder(mode, now.cancel_mode ?? 'now')) return undefined
  return tryTransition(writer, { ...move, event: 'harden', where: { id, cancel_mode: now.cancel_mode } })
}

async function alwaysSteps(writer: Writer, runId: string): Promise<Set<string>> {
  const { steps } = await getPlan(writer, runId)
  return new Set(steps.filter(runsAlways).map(({ key }) => key))
}

async function cancelWaitingSteps(
  writer: Writer,
  kind: Database['kind'],
  run: RunRow,
  { reason, spared }: { readonly reason: string; readonly spared: ReadonlySet<string> },
): Promise<void> {
  for (const step of await listSteps(writer, run.id)) {
    if (step.state !== 'waiting' || spared.has(step.key)) continue
    const moved = await tryTransition(writer, {
      table: 'steps',
      transitions: STEP_TRANSITIONS,
      event: 'cancel',
      where: { run_id: run.id, key: step.key, state: 'waiting' },
      set: { reason: 'cancelled', message: reason, why: reason, outputs: null, ended_at: Date.now() },
    })
    if (moved !== undefined) await appendEvents(writer, kind, [stepEnded(run.project, moved)])
  }
}

async function cancelAttempts(writer: Writer, run: RunRow, reason: string, spared: ReadonlySet<string>): Promise<void> {
  for (const attempt of await listActiveAttemptsOf(writer, run.id)) {
    if (spared.has(attempt.step)) continue
    await tryTransition(writer, {
      table: 'attempts',
      transitions: ATTEMPT_TRANSITIONS,
      event: 'cancel',
      where: { id: attempt.id },
      set: { reason: 'cancelled', message: reason },
    })
  }
}

async function closeQueuedRun(writer: Writer, kind: Database['kind'], run: RunRow): Promise<RunRow> {
  const closed = { ...run, ended_at: Date.now() }
  await setRunEnded(writer, run.id, closed.ended_at)
  await appendEvents(writer, kind, [runEnded(closed)])
  return closed
}
