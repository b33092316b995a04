import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { openLogTimes } from './log-times.ts'
import type { LogTime } from '../core/log-times.ts'
import type { Digest } from '../core/digest.ts'
import type { Masker } from './mask.ts'

export interface LogFile {
  /**
   * Bytes of the command. In the file when this returns, but for what the masker holds back. Throws once when
   * the file cannot be written; what comes after that is counted as lost.
   */
  write(chunk: Buffer): void
  /** A line of ours. */
  note(line: string): void
  /** Writes what was held back, syncs and closes. */
  close(): LogEnd
}

export interface LogEnd {
  readonly logBytes: number
  readonly logLostBytes: number
  readonly logDigest: Digest
}

const LONGEST_TAIL = 1 << 20
const NEWLINE = 10
const NOTHING_LEFT = { bytes: Buffer.alloc(0), lostBytes: 0, marks: [] }

/**
 * The log, by offset: it only grows. Up to `limitBytes` everything is kept. Of more, the beginning and the
 * last megabyte (a quarter, of a small limit) are kept; the file says where and how much is missing. The end
 * is in memory until the log is closed, since the file cannot shrink under its readers. When bytes came stands in
 * `<path>.times`.
 */
export function openLogFile(path: string, limitBytes: number, masker: Masker): LogFile {
  const file = openSync(path, 'a', 0o600)
  const times = openLogTimes(`${path}.times`)
  const hash = createHash('sha256')
  const tail = createTail(Math.min(LONGEST_TAIL, Math.floor(limitBytes / 4)))
  let headRoom = limitBytes - tail.capacity
  let logBytes = 0
  let unwritten = 0
  let atLineStart = true

  function append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && unwritten === 0;) {
      const written = writeOrCount(bytes.subarray(at))
      hash.update(bytes.subarray(at, at + written))
      logBytes += written
      at += written
    }
  }

  function writeOrCount(bytes: Uint8Array): number {
    try {
      return writeSync(file, bytes)
    } catch (error) {
      unwritten += bytes.length
      throw error
    }
  }

  function keep(bytes: Buffer): void {
    if (bytes.length === 0) return
    if (unwritten > 0) return void (unwritten += bytes.length)
    atLineStart = bytes.at(-1) === NEWLINE
    const head = bytes.subarray(0, headRoom)
    const now = Date.now()
    if (head.length > 0) times.mark(logBytes, now)
    if (head.length > 0) append(head)
    const isFull = headRoom > 0 && headRoom === head.length
    headRoom -= head.length
    if (isFull) append(Buffer.from(notice(`log limit reached: of what follows only the end will be shown`)))
    tail.push(bytes.subarray(head.length), now)
  }

  return {
    write: (chunk) => keep(masker.push(chunk)),
    note: (line) => keep(Buffer.from(`${atLineStart ? '' : '\n'}[tidegate] ${masker.text(line)}\n`)),
    close() {
      keep(masker.end())
      const { bytes, lostBytes, marks } = unwritten > 0 ? NOTHING_LEFT : tail.read()
      if (lostBytes > 0) append(Buffer.from(notice(`${lostBytes} bytes are missing here: the log was over its limit`)))
      for (const { offset, at } of marks) times.mark(logBytes + offset, at)
      times.close()
      append(bytes)
      if (logBytes > 0) fsyncSync(file)
      closeSync(file)
      return { logBytes, logLostBytes: lostBytes + unwritten, logDigest: `sha256:${hash.digest('hex')}` }
    },
  }
}

function notice(text: string): string {
  return `\n[tidegate] ${text}\n`
}

/** So many points in time are remembered of the end of a log. */
const TAIL_MARKS = 2_048

/** The last `capacity` bytes of a stream, when they came, and how many came before them. */
function createTail(capacity: number) {
  let ring: Buffer | undefined
  let total = 0
  let marks: LogTime[] = []

  function remember(at: number): void {
    if (marks.at(-1)?.at === at) return
    marks.push({ offset: total, at })
    if (marks.length < TAIL_MARKS * 2) return
    const gone = marks.findLastIndex(({ offset }) => offset <= total - capacity)
    marks = marks.slice(Math.max(0, gone))
    if (marks.length > TAIL_MARKS) marks = marks.filter((_, place) => place % 2 === 0)
  }

  return {
    capacity,
    push(bytes: Buffer, at: number): void {
      if (bytes.length === 0) return
      remember(at)
      ring ??= Buffer.alloc(capacity)
      const last = bytes.subarray(Math.max(0, bytes.length - capacity))
      const place = (total + bytes.length - last.length) % Math.max(1, capacity)
      const copied = last.copy(ring, place)
      last.copy(ring, 0, copied)
      total += bytes.length
    },
    /** Marks are counted from the first of `bytes`. */
    read(): { bytes: Buffer; lostBytes: number; marks: readonly LogTime[] } {
      if (!ring) return NOTHING_LEFT
      const lostBytes = Math.max(0, total - capacity)
      const first = Math.max(
        0,
        marks.findLastIndex(({ offset }) => offset <= lostBytes),
      )
      const kept = marks.slice(first).map(({ offset, at }) => ({ offset: Math.max(0, offset - lostBytes), at }))
      const start = lostBytes === 0 ? 0 : total % capacity
      const bytes =
        lostBytes === 0 ? ring.subarray(0, total) : Buffer.concat([ring.subarray(start), ring.subarray(0, start)])
      return { bytes, lostBytes, marks: kept }
    },
  }
}
