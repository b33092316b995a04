import { limit } from '../core/limits.ts'
import { reach } from '../core/points.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import { ATTEMPT_TRANSITIONS } from '../core/run-state.ts'
import { appendEvents } from '../db/outbox.ts'
import type { Writer } from '../db/open-database.ts'
import type { AttemptRow } from '../db/tables.ts'
import { tryTransition } from '../db/transition.ts'
import { attemptPlace } from './attempt-place.ts'
import { setHandle } from './attempts.sql.ts'
import type { AttemptContext, StepOpening } from './engine-options.ts'
import { checkpointFor } from './checkpoints.ts'
import { isKeptForDebug } from './debug-place.ts'
import { besideFolders } from './large-folders.ts'
import type { Kernel } from './kernel.ts'
import type { PreparedStep } from './prepare-step.ts'
import { attemptStarted } from './run-events.ts'
import { stepEnvironment } from './step-environment.ts'

/**
 * Hands an attempt to its executor and records where it went. Can be repeated: an executor adopts what it
 * has already, and starts nothing before the attempt is `written`. A run that is cancelled meanwhile gets its handle all the
 * same, so that it can be ended. Answers the attempt with its handle, which the disk need not have yet: an executor knows
 * what it has.
 */
export async function launchAttempt(
  kernel: Kernel,
  attempt: AttemptRow,
  prepared: PreparedStep,
  written?: Promise<void>,
): Promise<AttemptRow> {
  const { options } = kernel
  const executor = kernel.executor(attempt.executor)
  if (executor === undefined) throw new Error(`there is no executor ${attempt.executor}`)
  const context = { ...prepared.context, attempt }
  const opening = await options.openStep(context)
  const checkpoint = await checkpointFor(kernel, context)
  await reach('attempt opened', attempt.id)
  const order = { ...orderOf(kernel, context, prepared, opening), ...checkpoint }
  const handle = await executor.submit(order, opening.secrets, written)
  await reach('attempt handed over', attempt.id)
  const write = async (writer: Writer) => {
    const moved = await tryTransition(writer, {
      table: 'attempts',
      transitions: ATTEMPT_TRANSITIONS,
      event: 'run',
      where: { id: attempt.id },
      set: { handle, started_at: Date.now() },
    })
    if (moved === undefined) await setHandle(writer, attempt.id, handle)
    else await appendEvents(writer, options.database.kind, [attemptStarted(context.run.project, moved)])
    return moved ?? { ...attempt, handle }
  }
  return (await kernel.writeAhead(write, { known: true })).result
}

function orderOf(kernel: Kernel, context: AttemptContext, prepared: PreparedStep, opening: StepOpening): AttemptOrder {
  const { options } = kernel
  const { run, step, attempt } = context
  const place = attemptPlace(options.dataFolder, run, step.key, attempt.number)
  // Whoever goes on in the workspace afterwards finds in it what was copied.
  const folders = isKeptForDebug(context) ? [] : prepared.folders
  const runAs = step.work.kind === 'command' ? options.runAs?.(attempt.id) : undefined
  return {
    version: 1,
    attemptId: attempt.id,
    attemptFolder: attempt.folder,
    workspace: place.workspace,
    storeFolder: options.storeFolder,
    inputs: besideFolders(prepared.inputs, folders),
    ...(folders.length === 0 ? {} : { folders }),
    ...(prepared.outFolders.length === 0 ? {} : { outFolders: prepared.outFolders }),
    command: prepared.command,
    env: stepEnvironment(context, attempt.id, opening.env),
    secretNames: Object.keys(opening.secrets),
    outs: step.work.kind === 'command' ? step.outs : [],
    keep: keptPaths(context),
    ...(step.services === undefined ? {} : { services: step.services }),
    timeoutMs: step.timeoutMs,
    ...(step.silenceTimeoutMs === undefined ? {} : { silenceTimeoutMs: step.silenceTimeoutMs }),
    graceMs: limit('cancelGraceMs'),
    logLimitBytes: options.logLimitBytes ?? limit('logBytes'),
    ...(step.resources.memoryBytes === undefined ? {} : { memoryBytes: step.resources.memoryBytes }),
    diskBytes: step.resources.diskBytes ?? limit('stepDiskBytes'),
    processes: limit('stepProcesses'),
    ...(options.sandbox === true ? { sandbox: true } : {}),
    ...(isKeptForDebug(context) ? { debug: { keptMs: limit('workspaceKeepMs') } } : {}),
    ...(runAs === undefined ? {} : { runAs }),
  }
}

function keptPaths({ step }: AttemptContext): string[] {
  if (step.work.kind === 'task') return []
  const { junit = [], coverage = [] } = step.reports
  return [...new Set([...step.metrics, ...junit, ...coverage])]
}
