import type { NewEvent } from '../core/events.ts'
import { STEP_TRANSITIONS, type EndReason } from '../core/run-state.ts'
import type { Writer, WrittenAhead } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import type { AttemptRow, RunRow, StepRow } from '../db/tables.ts'
import { tryTransition } from '../db/transition.ts'
import { insertAttempt } from './attempts.sql.ts'
import type { StepContext } from './engine-options.ts'
import type { Kernel } from './kernel.ts'
import { newAttempt } from './settle-attempt.ts'
import type { PreparedStep } from './prepare-step.ts'
import { stepEnded, stepStarted } from './run-events.ts'
import { touchCached } from './step-cache.sql.ts'
import { recordOf, taskOutputOf, type StepOutputs } from './step-outputs.ts'

type OwnedRun = Pick<RunRow, 'id' | 'project'>

/** A step that does not run this time: its outputs are those of another run. */
export async function settleFromOutputs(
  kernel: Kernel,
  context: StepContext,
  taken: { readonly event: 'hit' | 'adopt'; readonly outputs: StepOutputs; readonly why: string },
  prepared?: PreparedStep,
): Promise<void> {
  const { run, step } = context
  const results = await kernel.options.readResults(context, recordOf(taken.outputs))
  const at = Date.now()
  await kernel.write(async (writer) => {
    const moved = await moveWaiting(writer, run, step.key, taken.event, {
      why: taken.why,
      cache: taken.event === 'hit' ? 'hit' : null,
      cache_key: prepared?.cache?.key ?? null,
      outputs: JSON.stringify(taken.outputs),
      started_at: at,
      ended_at: at,
    })
    if (moved === undefined) return
    if (prepared?.cache !== undefined) await touchCached(writer, prepared.cache.scope, prepared.cache.key, at)
    const events = [
      ...(await kernel.options.writeResults(writer, context, results, true)),
      ...(await settleTakenTask(kernel, writer, context, taken.outputs)),
      stepEnded(run.project, moved),
    ]
    await appendEvents(writer, kernel.options.database.kind, events)
  })
}

async function settleTakenTask(
  kernel: Kernel,
  writer: Writer,
  context: StepContext,
  outputs: StepOutputs,
): Promise<readonly NewEvent[]> {
  const { work } = context.step
  if (work.kind === 'command') return []
  const output = taskOutputOf(outputs)
  return (await kernel.options.tasks[work.task]?.settle?.(writer, { ...context, output, cached: true })) ?? []
}

export async function skipStep(kernel: Kernel, run: OwnedRun, key: string, why: string): Promise<void> {
  await endWaiting(kernel, run, key, 'skip', { why, outputs: null })
}

export async function failWaiting(
  kernel: Kernel,
  run: OwnedRun,
  key: string,
  reason: EndReason,
  message: string,
): Promise<void> {
  await endWaiting(kernel, run, key, 'fail', { reason, message, why: null, outputs: null })
}

async function endWaiting(
  kernel: Kernel,
  run: OwnedRun,
  key: string,
  event: 'skip' | 'fail',
  set: Partial<StepRow>,
): Promise<void> {
  await kernel.write(async (writer) => {
    const moved = await moveWaiting(writer, run, key, event, { ...set, ended_at: Date.now() })
    if (moved !== undefined) await appendEvents(writer, kernel.options.database.kind, [stepEnded(run.project, moved)])
  })
}

/**
 * Opens a step's first attempt, which waits in `starting` for whoever launches attempts; readers see it, and the disk has
 * it a moment later. Undefined: the step does not wait any more.
 */
export async function beginStep(
  kernel: Kernel,
  prepared: PreparedStep,
  cache: { readonly kind: 'miss' | 'off'; readonly why: string | null },
): Promise<WrittenAhead<AttemptRow | undefined>> {
  const { context } = prepared
  const { run, step } = context
  const attempt = newAttempt(kernel, context, 1)
  const write = async (writer: Writer) => {
    const moved = await moveWaiting(writer, run, step.key, 'start', {
      attempt: 1,
      cache: cache.kind,
      cache_key: prepared.cache?.key ?? null,
      why: cache.why,
      outputs: null,
      started_at: Date.now(),
    })
    if (moved === undefined) return undefined
    await insertAttempt(writer, attempt)
    await appendEvents(writer, kernel.options.database.kind, [stepStarted(run.project, moved)])
    return attempt
  }
  return kernel.writeAhead(write, { known: true })
}

/** Undefined: it does not wait any more, because the run was cancelled. */
async function moveWaiting(
  writer: Writer,
  run: OwnedRun,
  key: string,
  event: keyof (typeof STEP_TRANSITIONS)['waiting'],
  set: Partial<StepRow>,
): Promise<StepRow | undefined> {
  return tryTransition(writer, {
    table: 'steps',
    transitions: STEP_TRANSITIONS,
    event,
    where: { run_id: run.id, key, state: 'waiting' },
    set,
  })
}
