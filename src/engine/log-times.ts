import { open } from 'node:fs/promises'
import { hasCode } from '../lib/error-code.ts'
import { LOG_TIME_BYTES, readLogTimes, type LogTime } from '../core/log-times.ts'

/** Of one log, read again only as far as it has grown. */
export interface LogTimesReader {
  /** Entries for these bytes, the one that holds at `from` included. */
  between(from: number, to: number): Promise<LogTime[]>
}

export function openLogTimes(logFile: string): LogTimesReader {
  const known: LogTime[] = []

  async function readOn(): Promise<void> {
    const file = await open(`${logFile}.times`, 'r').catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    })
    if (file === undefined) return
    try {
      const { size } = await file.stat()
      const bytes = Buffer.alloc(Math.max(0, size - known.length * LOG_TIME_BYTES))
      const { bytesRead } = await file.read(bytes, 0, bytes.length, known.length * LOG_TIME_BYTES)
      known.push(...readLogTimes(bytes.subarray(0, bytesRead)))
    } finally {
      await file.close()
    }
  }

  return {
    async between(from, to) {
      await readOn()
      const first = known.findLastIndex((entry) => entry.offset <= from)
      const end = known.findIndex((entry, at) => at > first && entry.offset >= to)
      return known.slice(Math.max(0, first), end === -1 ? known.length : end)
    },
  }
}
