import { isAppError } from '../core/errors.ts'
import { storageError } from '../core/storage-error.ts'
import type { EngineLog } from './engine-options.ts'

/**
 * Work that goes on beside the loop: one at a time by key. Work that throws is tried again after a pause,
 * three times in all; then, or at once when trying again cannot help, `giveUp` ends the matter.
 */
export interface Jobs {
  start(key: string, job: Job): void
  isBusy(key: string): boolean
  /** As `isBusy`, for who comes back by itself: nothing is due when it is done. */
  isUnderWay(key: string): boolean
  /** Everything is due when what is under way has ended, whatever it says itself. */
  passAfter(key: string): void
  /** Starts nothing more and waits for what is under way. */
  stop(): Promise<void>
}

export interface Job {
  work(): Promise<void>
  giveUp(error: unknown): Promise<void>
  /** What is due when it is done, though it may have written nothing. Default: nothing, where nobody found it busy. */
  readonly due?: Due
}

/** Everything may be due, or only a look at the attempts under way. */
export type Due = 'pass' | 'look'

const TRIES = 3
const PAUSE_MS = 200

export function createJobs(log: EngineLog, onDone: (due: Due) => void): Jobs {
  const busy = new Map<string, Promise<void>>()
  /** Somebody found it busy, and left alone what it works on. */
  const passed = new Set<string>()
  const pauses = new Set<() => void>()
  const stopping = new AbortController()

  async function attend(key: string, job: Job): Promise<void> {
    for (let tries = 1; !stopping.signal.aborted; tries += 1) {
      try {
        await job.work()
        return
      } catch (error) {
        const isMistake = isHopeless(error)
        if (isMistake) log.info({ key, error }, 'engine job refused')
        else log.warn({ key, tries, error }, 'engine job failed')
        if (tries < TRIES && !isMistake) await pause(PAUSE_MS * 4 ** (tries - 1))
        else return end(key, job, error)
      }
    }
  }

  async function end(key: string, job: Job, error: unknown): Promise<void> {
    try {
      await job.giveUp(error)
    } catch (failure) {
      // Nothing was written, so the next pass finds the same work again.
      log.error({ key, error: failure }, 'engine job could not be ended')
      await pause(PAUSE_MS * 4 ** TRIES)
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        pauses.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      pauses.add(wake)
    })
  }

  return {
    isBusy(key) {
      const isBusy = busy.has(key)
      if (isBusy) passed.add(key)
      return isBusy
    },
    isUnderWay: (key) => busy.has(key),
    passAfter: (key) => void passed.add(key),
    start(key, job) {
      if (stopping.signal.aborted || busy.has(key)) return
      const done = attend(key, job).finally(() => {
        busy.delete(key)
        const due = passed.delete(key) ? 'pass' : job.due
        if (due !== undefined) onDone(due)
      })
      busy.set(key, done)
    },
    async stop() {
      stopping.abort()
      for (const wake of pauses) wake()
      await Promise.all(busy.values())
    },
  }
}

/** What the person asked for is wrong: the same again fails the same. */
function isHopeless(error: unknown): boolean {
  return isAppError(error) && error.status < 500
}

/** What a person may read about an error. */
export function sayError(error: unknown): string {
  if (isAppError(error)) return error.message
  const storage = storageError(error)
  if (storage !== undefined) return storage.message
  return "Something went wrong inside Tidegate; the server's log has the details. Run it again, or ask its administrator."
}
