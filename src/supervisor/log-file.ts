import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
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
const NOTHING_LEFT = { bytes: Buffer.alloc(0), lostBytes: 0 }

/**
 * The log, by offset: it only grows. Up to `limitBytes` everything is kept. Of more, the beginning and the
 * last megabyte (a quarter, of a small limit) are kept; the file says where and how much is missing. The end
 * is in memory until the log is closed, since the file cannot shrink under its readers.
 */
export function openLogFile(path: string, limitBytes: number, masker: Masker): LogFile {
  const file = openSync(path, 'a', 0o600)
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
    if (head.length > 0) append(head)
    const isFull = headRoom > 0 && headRoom === head.length
    headRoom -= head.length
    if (isFull) append(Buffer.from(notice(`log limit reached: of what follows only the end will be shown`)))
    tail.push(bytes.subarray(head.length))
  }

  return {
    write: (chunk) => keep(masker.push(chunk)),
    note: (line) => keep(Buffer.from(`${atLineStart ? '' : '\n'}[tidegate] ${masker.text(line)}\n`)),
    close() {
      keep(masker.end())
      const { bytes, lostBytes } = unwritten > 0 ? NOTHING_LEFT : tail.read()
      if (lostBytes > 0) append(Buffer.from(notice(`${lostBytes} bytes are missing here: the log was over its limit`)))
      append(bytes)
      fsyncSync(file)
      closeSync(file)
      return { logBytes, logLostBytes: lostBytes + unwritten, logDigest: `sha256:${hash.digest('hex')}` }
    },
  }
}

function notice(text: string): string {
  return `\n[tidegate] ${text}\n`
}

/** The last `capacity` bytes of a stream, and how many came before them. */
function createTail(capacity: number) {
  let ring: Buffer | undefined
  let total = 0

  return {
    capacity,
    push(bytes: Buffer): void {
      if (bytes.length === 0) return
      ring ??= Buffer.alloc(capacity)
      const last = bytes.subarray(Math.max(0, bytes.length - capacity))
      const at = (total + bytes.length - last.length) % Math.max(1, capacity)
      const copied = last.copy(ring, at)
      last.copy(ring, 0, copied)
      total += bytes.length
    },
    read(): { bytes: Buffer; lostBytes: number } {
      if (!ring) return { bytes: Buffer.alloc(0), lostBytes: 0 }
      if (total <= capacity) return { bytes: ring.subarray(0, total), lostBytes: 0 }
      const at = total % capacity
      return { bytes: Buffer.concat([ring.subarray(at), ring.subarray(0, at)]), lostBytes: total - capacity }
    },
  }
}
