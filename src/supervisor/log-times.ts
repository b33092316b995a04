import { closeSync, openSync, writeSync } from 'node:fs'
import { LOG_TIME_BYTES, writeLogTime } from '../core/log-times.ts'

/** Entries until the shortest time between two of them is doubled. */
const PER_STRETCH = 8_192

/** Says when bytes of a log came, in a file beside it: the log's own bytes stay as they are. */
export interface LogTimes {
  /** From `offset` on, what follows came at `at`. */
  mark(offset: number, at: number): void
  close(): void
}

/**
 * At first to the millisecond; of a log that goes on, one entry in two, in four …, so that a week of output has
 * no more than a few megabytes, and every time is right to a thousandth of the time the log has been written.
 * Where the file cannot be written there are no more times: no reason to end a command. Of an empty log there is none.
 */
export function openLogTimes(path: string): LogTimes {
  let file: number | undefined
  let isOver = false
  const entry = Buffer.alloc(LOG_TIME_BYTES)
  let gapMs = 1
  let left = PER_STRETCH
  let last = -Infinity

  function close(): void {
    if (file !== undefined) closeSync(file)
    file = undefined
    isOver = true
  }

  return {
    mark(offset, at) {
      if (isOver || at - last < gapMs) return
      last = at
      left -= 1
      if (left === 0) {
        left = PER_STRETCH
        gapMs *= 2
      }
      try {
        file ??= openSync(path, 'a', 0o600)
        writeLogTime(entry, { offset, at })
        if (writeSync(file, entry) < LOG_TIME_BYTES) close()
      } catch {
        close()
      }
    },
    close,
  }
}
