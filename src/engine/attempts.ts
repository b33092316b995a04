import { limit } from '../core/limits.ts'
import { reach } from '../core/points.ts'
import { isDiskFull } from '../core/storage-error.ts'
import type { Observation } from '../core/ports/executor.ts'
import type { WrittenAhead } from '../db/open-database.ts'
import type { AttemptRow } from '../db/tables.ts'
import { listActiveAttempts, setHandle } from './attempts.sql.ts'
import { createDeadlines } from './deadlines.ts'
import { sayError, type Job, type Jobs } from './jobs.ts'
import type { AttemptEnd } from './judge-end.ts'
import type { Kernel } from './kernel.ts'
import { launchAttempt } from './launch-attempt.ts'
import { prepareStep, type PreparedStep } from './prepare-step.ts'
import { settleAttempt } from './settle-attempt.ts'
import { closeAttempt, closeEnded } from './close-attempt.ts'
import type { AttemptContext } from './engine-options.ts'
import { getStep } from './steps.sql.ts'

const CANCEL_AGAIN_MS = 5_000
/** Where the executor says by itself that something may have ended, only what it does not say is polled for. */
const HINTED_POLL_MS = 100
const FASTEST_POLL_MS = 5
const SLOWEST_POLL_MS = 100

/**
 * Carries every attempt that has not ended through its life: hands over, watches, cancels, settles. It
 * keeps no state of its own, so attempts of a server that died are carried on the same way.
 */
export function createAttempts(kernel: Kernel, jobs: Jobs, prepared: Map<string, PreparedStep>) {
  const { options } = kernel
  const cancelled = new Map<string, number>()
  const backstopMs = options.backstopMs ?? limit('attemptBackstopMs')
  const deadlines = createDeadlines(backstopMs)
  let active: AttemptRow[] = []
  /** Attempts to look at soon, by handle: they may have ended, or have just been handed over. */
  const hinted = new Set<string>()
  let lookedAt = -Infinity
  /** Attempts that are being written down. */
  const opening = new Set<string>()

  /** Looks again which attempts there are; starts and cancels what must be. */
  async function pass(): Promise<void> {
    const before = new Set(active)
    const rows = await listActiveAttempts(options.database.read)
    active = withNewer(
      rows.filter(({ id }) => !opening.has(id)),
      active.filter((attempt) => !before.has(attempt)),
    )
    deadlines.keep(new Set(active.map((attempt) => attempt.id)))
    for (const id of cancelled.keys()) if (!active.some((attempt) => attempt.id === id)) cancelled.delete(id)
    for (const attempt of active) {
      if (attempt.state !== 'cancelling') {
        if (attempt.handle === null) jobs.start(attempt.id, launching(attempt))
      } else if (!jobs.isBusy(attempt.id)) {
        if (attempt.handle === null) jobs.start(attempt.id, closingUnstarted(attempt))
        else cancelWhereAsked(attempt, attempt.handle)
      }
    }
  }

  /**
   * Starts what `open` writes down, without being found by a pass, and prepares it while the disk works. A pass that sees its
   * row before leaves it alone. False: there is none.
   */
  async function begin(id: string, open: () => Promise<WrittenAhead<AttemptRow | undefined>>): Promise<boolean> {
    opening.add(id)
    try {
      const { result: attempt, durable } = await open()
      if (attempt === undefined) return false
      active = [...active, attempt]
      jobs.start(attempt.id, launching(attempt, durable))
      return true
    } finally {
      opening.delete(id)
    }
  }

  /**
   * Asks executors about all attempts at once; those that give hints in between only about the hinted. Answers how long to wait
   * before asking again, if at all.
   */
  async function observe(): Promise<number | undefined> {
    const watched = active.filter((attempt) => attempt.handle !== null && !jobs.isUnderWay(attempt.id))
    const isWhole = performance.now() - lookedAt >= HINTED_POLL_MS
    if (isWhole) lookedAt = performance.now()
    const due = watched.filter((each) => isWhole || !givesHints(each) || hinted.has(each.handle ?? ''))
    for (const each of due) hinted.delete(each.handle ?? '')
    // Of attempts that have ended by now; one that is being handed over is hinted at when it is.
    if (isWhole) for (const handle of hinted) if (!active.some((each) => each.handle === handle)) hinted.delete(handle)
    for (const [name, attempts] of Map.groupBy(due, (attempt) => attempt.executor)) {
      try {
        await observeOn(name, attempts)
      } catch (error) {
        options.log.warn({ executor: name, error }, 'executor cannot be asked')
      }
    }
    const silent = watched.filter((attempt) => !givesHints(attempt))
    if (silent.length > 0) return pollMs(silent)
    return watched.length > 0 ? HINTED_POLL_MS : undefined
  }

  function givesHints({ executor }: AttemptRow): boolean {
    return kernel.executor(executor)?.onHint !== undefined
  }

  async function observeOn(name: string, attempts: readonly AttemptRow[]): Promise<void> {
    const handles = attempts.flatMap((attempt) => attempt.handle ?? [])
    const seen = await kernel.executor(name)?.observe(handles)
    for (const attempt of attempts) {
      const observation = seen?.get(attempt.handle ?? '')
      const end = endOf(attempt, observation)
      if (end !== undefined) jobs.start(attempt.id, settling(attempt, end))
      else if (await isOverdue(attempt, observation)) jobs.start(attempt.id, givingUp(attempt))
    }
  }

  /** Its supervisor should have ended it long ago, and hangs. What waits in an executor's queue has not begun. */
  async function isOverdue(attempt: AttemptRow, seen: Observation | undefined): Promise<boolean> {
    if (seen?.kind !== 'running' && seen?.kind !== 'starting') return false
    const step = (await kernel.planStepsOf(attempt.run_id)).get(attempt.step)
    if (step === undefined) return false
    const startedAt = seen.kind === 'running' ? (seen.startedAt ?? null) : null
    const allowedMs = step.timeoutMs + limit('cancelGraceMs') + backstopMs
    return deadlines.isOver({ id: attempt.id, startedAt, allowedMs })
  }

  function givingUp(attempt: AttemptRow): Job {
    const message = 'its timeout is long over, and its supervisor did not end it: it was killed'
    return {
      async work() {
        options.log.error({ attempt: attempt.id }, 'supervisor hangs, attempt is given up')
        await kernel.executor(attempt.executor)?.abandon(attempt.handle ?? '')
        await settle(attempt, { kind: 'lost', message })
      },
      giveUp: (error) => failAttempt(attempt, error),
    }
  }

  /** Beside the loop: an executor may take the whole grace for an attempt whose supervisor is dead. */
  function cancelWhereAsked(attempt: AttemptRow, handle: string): void {
    const asked = cancelled.get(attempt.id) ?? -Infinity
    if (attempt.state !== 'cancelling' || performance.now() - asked < CANCEL_AGAIN_MS) return
    cancelled.set(attempt.id, performance.now())
    jobs.start(`cancel ${attempt.id}`, {
      work: async () => kernel.executor(attempt.executor)?.cancel(handle, limit('cancelGraceMs')),
      giveUp: async (error) => options.log.warn({ attempt: attempt.id, error }, 'cancel did not reach the executor'),
    })
  }

  function launching(attempt: AttemptRow, written?: Promise<void>): Job {
    return {
      due: 'look',
      async work() {
        const launched = await launchAttempt(kernel, attempt, await preparedFor(attempt), written)
        active = active.map((each) => (each.id === launched.id ? launched : each))
        if (launched.handle !== null) hinted.add(launched.handle)
        // It was cancelled meanwhile, and only a pass sees that.
        if (launched.state !== 'running') jobs.passAfter(attempt.id)
      },
      giveUp: async (error) => {
        if (!(await adoptOwned(attempt))) await failAttempt(attempt, error)
      },
    }
  }

  /** Cancelled before it was handed over, as far as the row knows. */
  function closingUnstarted(attempt: AttemptRow): Job {
    return {
      work: async () => {
        if (await adoptOwned(attempt)) return
        await settle(attempt, { kind: 'lost', message: 'it was cancelled before it started' })
      },
      giveUp: (error) => failAttempt(attempt, error),
    }
  }

  /**
   * Between handing over and writing that down a server can die, or the database fail: then only the executor
   * knows the attempt, by its folder, and it must be watched like any other.
   */
  async function adoptOwned(attempt: AttemptRow): Promise<boolean> {
    const owned = (await kernel.executor(attempt.executor)?.listOwned()) ?? []
    if (!owned.includes(attempt.folder)) return false
    await kernel.write((writer) => setHandle(writer, attempt.id, attempt.folder))
    return true
  }

  function settling(attempt: AttemptRow, end: AttemptEnd): Job {
    return { work: () => settle(attempt, end), giveUp: (error) => failAttempt(attempt, error) }
  }

  /** What cannot be done in three tries ends the attempt with a reason, so that no run waits for ever. */
  function failAttempt(attempt: AttemptRow, error: unknown): Promise<void> {
    const reason = isDiskFull(error) ? 'disk-full' : 'setup-error'
    return settle(attempt, { kind: 'failed', reason, message: sayError(error) })
  }

  async function settle(attempt: AttemptRow, end: AttemptEnd): Promise<void> {
    const context = await kernel.contextOfAttempt(attempt)
    const step = end.kind === 'record' ? await preparedAsKeyed(attempt) : undefined
    await reach('attempt ended', attempt.id)
    const ended = await settleAttempt(kernel, context, end, step?.cache)
    if (ended === undefined) options.log.warn({ attempt: attempt.id }, 'late completion refused')
    active = active.filter((other) => other.id !== attempt.id)
    jobs.start(
      `close ${attempt.id}`,
      closing(ended === undefined ? undefined : { ...context, attempt: ended }, attempt.id),
    )
  }

  /** Without a context it had ended already, and its row says how. */
  function closing(context: AttemptContext | undefined, id: string): Job {
    return {
      work: () => (context === undefined ? closeEnded(kernel, id) : closeAttempt(kernel, context)),
      giveUp: async (error) => {
        options.log.error({ attempt: id, error }, 'attempt could not be closed; the next start tries again')
      },
    }
  }

  async function preparedFor(attempt: AttemptRow): Promise<PreparedStep> {
    const id = `${attempt.run_id}/${attempt.step}`
    const known = prepared.get(id)
    if (known !== undefined) return known
    const made = await prepareStep(kernel, await kernel.contextOf(attempt.run_id, attempt.step))
    prepared.set(id, made)
    return made
  }

  /** For the cache: only where what is prepared now is what the attempt was started with. */
  async function preparedAsKeyed(attempt: AttemptRow): Promise<PreparedStep | undefined> {
    const known = prepared.get(`${attempt.run_id}/${attempt.step}`)
    if (known !== undefined && known.cache === undefined) return undefined
    const step = await getStep(options.database.read, attempt.run_id, attempt.step)
    if (step === undefined || step.cache_key === null) return undefined
    try {
      const made = await preparedFor(attempt)
      return made.cache?.key === step.cache_key ? made : undefined
    } catch (error) {
      // What succeeded has succeeded; it is only not remembered.
      options.log.warn({ attempt: attempt.id, error }, 'outputs are not cached')
      return undefined
    }
  }

  return { pass, observe, begin, hint: (handle: string) => void hinted.add(handle) }
}

/** Rows as they were read, and what was written since: attempts that have begun, and handles. */
function withNewer(rows: readonly AttemptRow[], newer: readonly AttemptRow[]): AttemptRow[] {
  if (newer.length === 0) return [...rows]
  const known = new Map(newer.map((attempt) => [attempt.id, attempt]))
  const read = new Set(rows.map(({ id }) => id))
  return [
    ...rows.map((row) => (row.handle === null ? { ...row, handle: known.get(row.id)?.handle ?? null } : row)),
    ...newer.filter(({ id }) => !read.has(id)),
  ]
}

function endOf(attempt: AttemptRow, seen: Observation | undefined): AttemptEnd | undefined {
  if (seen?.kind === 'gone') {
    return { kind: 'lost', message: 'its supervisor is gone and left no completion record' }
  }
  if (seen?.kind !== 'ended') return undefined
  if (seen.record.attemptId === attempt.id) return { kind: 'record', record: seen.record }
  return { kind: 'lost', message: `its completion record is that of ${seen.record.attemptId}` }
}

/** A short attempt is seen to end soon; one that has run for an hour is not asked a hundred times a second. */
function pollMs(attempts: readonly AttemptRow[]): number {
  const youngest = Math.max(...attempts.map((attempt) => attempt.started_at ?? 0))
  return Math.min(SLOWEST_POLL_MS, Math.max(FASTEST_POLL_MS, (Date.now() - youngest) / 20))
}
