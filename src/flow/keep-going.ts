import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from './installation.ts'

const PAUSE_MS = 1_000

/**
 * Starts a loop again when it fails: the database was away for a moment, a disk was full. Every loop takes
 * up its work from rows, so it goes on where it was. Returns when `signal` has aborted.
 */
export async function keepGoing(name: string, loop: () => Promise<void>, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await loop()
    } catch (error) {
      if (signal.aborted) return
      log.error(
        { loop: name, error: error instanceof Error ? error.stack : String(error) },
        'a loop failed and starts again',
      )
      await sleep(PAUSE_MS)
    }
  }
}
