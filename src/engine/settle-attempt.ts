import type { NewEvent } from '../core/events.ts'
import { ATTEMPT_TRANSITIONS, STEP_TRANSITIONS } from '../core/run-state.ts'
import type { CompletionRecord } from '../core/ports/executor.ts'
import { appendEvents } from '../db/outbox.ts'
import type { Writer } from '../db/open-database.ts'
import type { AttemptRow, StepRow } from '../db/tables.ts'
import { tryTransition } from '../db/transition.ts'
import { attemptPlace } from './attempt-place.ts'
import { getAttempt, insertAttempt } from './attempts.sql.ts'
import { startsSteps } from './cancel-run.ts'
import { runsAlways } from './decide-step.ts'
import type { AttemptContext, EndedResults, StepContext } from './engine-options.ts'
import { hintHiddenFiles } from './hidden-files.ts'
import { judgeEnd, judgeResults, mayRetry, type AttemptEnd, type Judgement } from './judge-end.ts'
import type { Kernel } from './kernel.ts'
import { explainDamage, mendInputs } from './mend-inputs.ts'
import type { CacheIdentity } from './prepare-step.ts'
import { attemptEnded, stepEnded } from './run-events.ts'
import { getRunState } from './runs.sql.ts'
import { storeCached } from './step-cache.sql.ts'
import { outputsOf } from './step-outputs.ts'

/**
 * Ends an attempt in one transaction: the attempt, then its step or the next attempt, results, events.
 * Answers the row as it is now; undefined: the attempt had ended already, and what came is refused.
 */
export async function settleAttempt(
  kernel: Kernel,
  context: AttemptContext,
  end: AttemptEnd,
  cache: CacheIdentity | undefined,
): Promise<AttemptRow | undefined> {
  const record = end.kind === 'record' ? end.record : undefined
  const results = record === undefined ? {} : await kernel.options.readResults(context, record)
  const judgement = await withHint(kernel, context, judgeResults(judgeEnd(end), results), record)
  const isLast = !(await mayTryAgain(kernel, context, judgement, record))
  return kernel.write(async (writer) => {
    const attempt = await moveAttempt(writer, context, judgement, record)
    if (attempt === undefined) return undefined
    const events = [attemptEnded(context.run.project, attempt)]
    if (attempt.state === 'cancelled') events.push(...(await cancelStep(writer, context, attempt)))
    else {
      if (record !== undefined) events.push(...(await kernel.options.writeResults(writer, context, results, isLast)))
      if (!isLast) {
        await openNextAttempt(writer, kernel, context, judgement)
        await appendEvents(writer, kernel.options.database.kind, events)
        return attempt
      }
      events.push(...(await settleTask(kernel, writer, context, record)))
      events.push(...(await endStep(writer, context, judgement, record)))
      if (judgement.event === 'succeed' && cache !== undefined && record !== undefined && isReusable(record, results)) {
        await remember(writer, context, cache, record)
      }
    }
    await appendEvents(writer, kernel.options.database.kind, events)
    return attempt
  })
}

/** A command's own failure may come from files that its `deps` keep from it. */
async function withHint(
  kernel: Kernel,
  context: AttemptContext,
  judgement: Judgement,
  record: CompletionRecord | undefined,
): Promise<Judgement> {
  if (judgement.event !== 'fail') return judgement
  if (judgement.reason === 'damaged-input' && record !== undefined) {
    return { ...judgement, message: `${judgement.message ?? ''} ${explainDamage(kernel, context, record)}` }
  }
  if (judgement.reason !== 'exit') return judgement
  const hint = await hintHiddenFiles(kernel, context)
  return hint === undefined ? judgement : { ...judgement, message: `${judgement.message ?? ''} ${hint}`.trim() }
}

/** In a run that is being cancelled only what was spared is tried again. */
async function mayTryAgain(
  kernel: Kernel,
  context: AttemptContext,
  { reason }: Judgement,
  record: CompletionRecord | undefined,
): Promise<boolean> {
  const { run, step, attempt } = context
  const isSpared = run.state !== 'cancelling' || runsAlways(step)
  if (!startsSteps(run) || !isSpared) return false
  if (mayRetry(step.retry, attempt.number, reason)) return true
  return reason === 'damaged-input' && record !== undefined && mendInputs(kernel, context, record)
}

async function moveAttempt(
  writer: Writer,
  { attempt }: AttemptContext,
  judgement: Judgement,
  record: CompletionRecord | undefined,
): Promise<AttemptRow | undefined> {
  const now = await getAttempt(writer, attempt.id)
  const isCancelling = now?.state === 'cancelling'
  return tryTransition(writer, {
    table: 'attempts',
    transitions: ATTEMPT_TRANSITIONS,
    event: judgement.event,
    where: { id: attempt.id },
    set: {
      reason: isCancelling ? 'cancelled' : judgement.reason,
      message: isCancelling ? now.message : judgement.message,
      exit_code: record?.exitCode ?? null,
      checkpoint: record?.checkpoint === undefined ? null : JSON.stringify(record.checkpoint),
      log_bytes: record?.logBytes ?? 0,
      log_lost_bytes: record?.logLostBytes ?? 0,
      started_at: record?.startedAt ?? attempt.started_at,
      ended_at: record?.endedAt ?? Date.now(),
    },
  })
}

async function cancelStep(writer: Writer, { run, step }: AttemptContext, attempt: AttemptRow): Promise<NewEvent[]> {
  const moved = await tryTransition(writer, {
    table: 'steps',
    transitions: STEP_TRANSITIONS,
    event: 'cancel',
    where: { run_id: run.id, key: step.key },
    set: { reason: 'cancelled', message: attempt.message, ended_at: attempt.ended_at },
  })
  return moved === undefined ? [] : [stepEnded(run.project, moved)]
}

/** The step stays running; the new attempt waits in `starting` for whoever launches attempts. */
async function openNextAttempt(
  writer: Writer,
  kernel: Kernel,
  context: AttemptContext,
  { reason, message }: Judgement,
): Promise<void> {
  const { run, step, attempt } = context
  const number = attempt.number + 1
  const now = await getRunState(writer, run.id)
  if (now.state !== run.state) throw new Error(`${run.id} became ${now.state} while ${attempt.id} was settled`)
  const moved = await tryTransition(writer, {
    table: 'steps',
    transitions: STEP_TRANSITIONS,
    event: 'retry',
    where: { run_id: run.id, key: step.key },
    set: { attempt: number, why: `attempt ${attempt.number} ended with ${reason}: ${message ?? 'no message'}` },
  })
  if (moved === undefined) throw new Error(`${run.id}/${step.key} has an attempt but is not running`)
  await insertAttempt(writer, newAttempt(kernel, context, number))
}

export function newAttempt(kernel: Kernel, { run, step }: StepContext, number: number): AttemptRow {
  const place = attemptPlace(kernel.options.dataFolder, run, step.key, number)
  return {
    id: place.id,
    run_id: run.id,
    step: step.key,
    number,
    state: 'starting',
    reason: null,
    message: null,
    executor: step.runsOn,
    handle: null,
    folder: place.folder,
    exit_code: null,
    log_bytes: 0,
    log_lost_bytes: 0,
    checkpoint: null,
    created_at: Date.now(),
    started_at: null,
    ended_at: null,
  }
}

async function settleTask(
  kernel: Kernel,
  writer: Writer,
  context: AttemptContext,
  record: CompletionRecord | undefined,
): Promise<readonly NewEvent[]> {
  const { work } = context.step
  if (work.kind === 'command' || record?.taskOutput === undefined) return []
  const settled = kernel.options.tasks[work.task]?.settle?.(writer, {
    ...context,
    output: record.taskOutput,
    cached: false,
  })
  return (await settled) ?? []
}

async function endStep(
  writer: Writer,
  { run, step }: AttemptContext,
  judgement: Judgement,
  record: CompletionRecord | undefined,
): Promise<NewEvent[]> {
  const succeeded = judgement.event === 'succeed' && record !== undefined
  const moved: StepRow | undefined = await tryTransition(writer, {
    table: 'steps',
    transitions: STEP_TRANSITIONS,
    event: succeeded ? 'succeed' : 'fail',
    where: { run_id: run.id, key: step.key },
    set: {
      reason: judgement.reason,
      message: judgement.message,
      outputs: succeeded ? JSON.stringify(outputsOf(record)) : null,
      ended_at: record?.endedAt ?? Date.now(),
    },
  })
  if (moved === undefined) throw new Error(`${run.id}/${step.key} has an attempt but is not running`)
  return [stepEnded(run.project, moved)]
}

function isReusable({ taskOutput }: CompletionRecord, { overlook }: EndedResults): boolean {
  return taskOutput?.cacheable !== false && overlook === undefined
}

async function remember(
  writer: Writer,
  { run, step }: AttemptContext,
  cache: CacheIdentity,
  record: CompletionRecord,
): Promise<void> {
  const at = Date.now()
  await storeCached(writer, {
    scope: cache.scope,
    key: cache.key,
    outputs: JSON.stringify(outputsOf(record)),
    parts: JSON.stringify(cache.parts),
    project: run.project,
    step: step.key,
    run_id: run.id,
    created_at: at,
    used_at: at,
  })
}
