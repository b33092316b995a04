import { isDiskFull } from '../core/storage-error.ts'
import type { LogFile } from './log-file.ts'
import type { AttemptWatch } from './watch-attempt.ts'

/** A log that cannot be written ends the command: an attempt without its log proves nothing. */
export function writeOrEnd(log: LogFile, chunk: Buffer, watch: AttemptWatch): void {
  tryOrEnd(() => log.write(chunk), watch)
}

/** The same for a line of ours. Where an event calls, nobody is there to catch what `note` throws. */
export function noteOrEnd(log: LogFile, line: string, watch: AttemptWatch): void {
  tryOrEnd(() => log.note(line), watch)
}

function tryOrEnd(write: () => void, watch: AttemptWatch): void {
  try {
    write()
  } catch (error) {
    const reason = isDiskFull(error) ? 'disk-full' : 'setup-error'
    watch.interrupt({ reason, message: `Its log could not be written: ${String(error)}`, graceMs: 0 })
  }
}
