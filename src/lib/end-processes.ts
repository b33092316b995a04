import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from './error-code.ts'

type Signal = 'SIGTERM' | 'SIGKILL'

/** Sends to each that is still there. One that belongs to somebody else by now is left alone. */
function signalAll(pids: readonly number[], signal: Signal): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if (!hasCode(error, 'ESRCH', 'EPERM')) throw error
    }
  }
}

/**
 * KILLs what `find` finds, until it finds nothing: a process that forks while we look has its children
 * found the next time. Gives up after `patienceMs` (a process in an uninterruptible sleep) and returns what is left.
 */
export async function killUntilNone(find: () => number[], patienceMs: number): Promise<number[]> {
  const giveUpAt = performance.now() + patienceMs
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    const pids = find()
    if (pids.length === 0 || performance.now() > giveUpAt) return pids
    signalAll(pids, 'SIGKILL')
    await sleep(pauseMs)
  }
}

/** TERM to those of them that are asked, up to `graceMs` for all to end, then KILL. Returns what could not be ended. */
export async function endProcesses(
  find: () => number[],
  { asked, graceMs }: { readonly asked: readonly number[]; readonly graceMs: number },
): Promise<number[]> {
  signalAll(asked, 'SIGTERM')
  const killAt = performance.now() + graceMs
  for (let pauseMs = 5; performance.now() < killAt; pauseMs = Math.min(pauseMs * 2, 100)) {
    if (find().length === 0) return []
    await sleep(Math.min(pauseMs, Math.max(1, killAt - performance.now())))
  }
  return killUntilNone(find, 10_000)
}
