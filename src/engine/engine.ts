import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../core/errors.ts'
import type { CancelMode } from '../core/run-state.ts'
import type { Writer } from '../db/open-database.ts'
import { createAttempts } from './attempts.ts'
import { createBell } from './bell.ts'
import { askForCancel } from './cancel-run.ts'
import { clearExpired, closeLeftovers } from './close-attempt.ts'
import { createRun, type CreatedRun, type NewRun } from './create-run.ts'
import type { EngineOptions } from './engine-options.ts'
import { createJobs } from './jobs.ts'
import { createKernel, type Kernel } from './kernel.ts'
import type { PreparedStep } from './prepare-step.ts'
import { rerun, type RerunRequest } from './rerun.ts'
import { getRun } from './runs.sql.ts'
import { createScheduler } from './scheduler.ts'

/** Carries runs from their plan to their end. One engine per database works at a time. */
export interface Engine {
  /** In the caller's transaction; idempotent on `dedupeKey`. Starts when the transaction has committed. */
  createRun(writer: Writer, run: NewRun): Promise<CreatedRun>
  /**
   * Takes up what an engine before it left, then goes on by itself until `stop`. Returns when everything
   * that was under way has been looked at; clearing up after what ended goes on beside.
   */
  start(): Promise<void>
  /**
   * Ends the run for good, in one of the ways of `CANCEL_MODES`. A run that is being cancelled already can be
   * cancelled harder; a softer way than the one under way is refused.
   */
  cancel(runId: string, by: string, mode: CancelMode): Promise<void>
  rerun(writer: Writer, runId: string, request: RerunRequest): Promise<CreatedRun>
  /** Stops looking. Attempts go on, and the next engine finds them. */
  stop(): Promise<void>
}

/** What other processes committed is seen within this time; our own commits ring. */
const SAFETY_PASS_MS = 1_000
const SHORT_PASS_MS = 20
const LONGEST_REST_MS = 250
const CLEAR_MS = 10 * 60_000

export function createEngine(options: EngineOptions): Engine {
  const kernel = createKernel(options)
  const bell = createBell()
  const jobs = createJobs(options.log, (due) => (due === 'pass' ? bell.ring() : bell.nudge()))
  const prepared = new Map<string, PreparedStep>()
  const attempts = createAttempts(kernel, jobs, prepared)
  const scheduler = createScheduler(kernel, jobs, prepared, attempts.begin)
  const listening = [
    options.database.onVisible(() => bell.ring()),
    ...[...options.executors.values()].flatMap((executor) => executor.onHint?.(hear) ?? []),
  ]
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let passedAt = -Infinity
  let clearedAt = performance.now()

  function hear(handle: string): void {
    attempts.hint(handle)
    bell.nudge()
  }

  /** Answers how long it took. */
  async function pass(): Promise<number> {
    passedAt = performance.now()
    await scheduler.pass()
    await attempts.pass()
    return performance.now() - passedAt
  }

  async function goOn(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const rang = bell.take()
        if (rang || performance.now() - passedAt >= SAFETY_PASS_MS) await restAfter(await pass())
        if (performance.now() - clearedAt >= CLEAR_MS) clearUp(() => clearExpired(kernel))
        await bell.wait((await attempts.observe()) ?? SAFETY_PASS_MS)
      } catch (error) {
        // The database is away for a moment; every pass starts from what it holds.
        options.log.error({ error }, 'engine pass failed')
        await bell.wait(SAFETY_PASS_MS)
      }
    }
  }

  function clearUp(work: () => Promise<void>): void {
    clearedAt = performance.now()
    jobs.start('clear up', {
      work,
      giveUp: async (error) => options.log.warn({ error }, 'clearing up failed; it will be tried again later'),
    })
  }

  return {
    createRun: (writer, run) => createRun(writer, options.database.kind, run),
    rerun: (writer, runId, request) => rerun(writer, options.database.kind, runId, request),
    cancel: (runId, by, mode) => cancel(kernel, runId, by, mode),
    async start() {
      await pass()
      await attempts.observe()
      clearUp(() => closeLeftovers(kernel))
      running = goOn()
    },
    async stop() {
      stopping.abort()
      for (const stopListening of listening) stopListening()
      bell.ring()
      await running
      await jobs.stop()
    },
  }
}

/** Every commit but what the engine has just done itself calls for a pass; where one takes long, because runs are large, several commits share one. */
async function restAfter(passMs: number): Promise<void> {
  if (passMs > SHORT_PASS_MS) await sleep(Math.min(passMs, LONGEST_REST_MS))
}

async function cancel(kernel: Kernel, runId: string, by: string, mode: CancelMode): Promise<void> {
  const { database } = kernel.options
  const request = { mode, reason: `cancelled by ${by}${WAYS[mode]}` }
  const run = await kernel.write((writer) => askForCancel(writer, database.kind, runId, request))
  if (run !== undefined) return
  const now = await getRun(database.read, runId)
  if (now === undefined) throw new AppError('NOT_FOUND', `There is no run ${runId}.`)
  if (now.state !== 'cancelling') {
    throw new AppError('STATE_CONFLICT', `${runId} cannot be cancelled: it is ${now.state}.`)
  }
  if (now.cancel_mode === mode) return
  const said = `${runId} is being cancelled already: ${now.reason}. It can be cancelled harder, but not more gently.`
  throw new AppError('STATE_CONFLICT', said)
}

/** What stands behind the name of who cancelled. */
const WAYS = {
  'after-current': ' after the steps that run',
  'now-run-always': ', but for steps with always()',
  now: '',
} as const satisfies Record<CancelMode, string>
