import { join } from 'node:path'
import { ATTEMPT_FILES } from '../core/attempt-files.ts'
import { hasCode } from '../lib/error-code.ts'
import { syncRename } from '../lib/json-file.ts'

/** Completion records that the disk may not have yet. */
export interface RecordSync {
  syncSoon(attemptFolder: string): void
  /** All of them, before this process ends. */
  syncNow(): void
}

/** A server that is there has taken over what ended by then: into its database, on the disk. */
const SYNC_AFTER_MS = 200

/**
 * Syncs a record only where no server takes it over: else each step would wait for the disk twice before the next one may
 * start. A power cut before that loses the attempt, as one before its end would have.
 */
export function createRecordSync(): RecordSync {
  const waiting = new Map<string, NodeJS.Timeout>()

  function sync(attemptFolder: string): void {
    clearTimeout(waiting.get(attemptFolder))
    waiting.delete(attemptFolder)
    try {
      syncRename(join(attemptFolder, ATTEMPT_FILES.done))
    } catch (error) {
      // Gone: the server has it. Anything else is no reason to end what runs here now.
      if (!hasCode(error, 'ENOENT')) process.emitWarning(error as Error)
    }
  }

  return {
    syncSoon(attemptFolder) {
      waiting.set(
        attemptFolder,
        setTimeout(() => sync(attemptFolder), SYNC_AFTER_MS),
      )
    },
    syncNow() {
      for (const attemptFolder of waiting.keys()) sync(attemptFolder)
    },
  }
}
