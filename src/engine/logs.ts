import { statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ATTEMPT_FILES, serviceLog } from '../core/attempt-files.ts'
import { hasCode } from '../lib/error-code.ts'

/** Bytes of an attempt's log; `offset` is that of the first, and `offset + bytes.length` where to read on. */
export interface LogPiece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Of an attempt's command, or of a service beside it. */
export function logFileOf(attemptFolder: string, service?: string): string {
  return join(attemptFolder, service === undefined ? ATTEMPT_FILES.log : serviceLog(service))
}

const PIECE_BYTES = 64 << 10
/** Between looks at a log that has just grown; while nothing comes, up to the longest. */
const SHORTEST_LOOK_MS = 10
const LONGEST_LOOK_MS = 100

/**
 * At most `limitBytes` from `offset` on. An empty piece: there is nothing yet, or nothing more. The file
 * only grows, so the same offset has the same bytes for ever.
 */
export async function readLog(logFile: string, offset: number, limitBytes: number): Promise<LogPiece> {
  const file = await openOrNothing(logFile)
  if (file === undefined) return { offset, bytes: new Uint8Array() }
  try {
    const { size } = await file.stat()
    const bytes = new Uint8Array(Math.max(0, Math.min(limitBytes, size - offset)))
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return { offset, bytes: bytes.subarray(0, filled) }
  } finally {
    await file.close()
  }
}

/** What the log holds now from `offset` on, piece by piece: it may be larger than our memory. */
export async function* streamLog(logFile: string, offset: number): AsyncGenerator<Uint8Array> {
  const file = await openOrNothing(logFile)
  if (file === undefined) return
  try {
    const { size } = await file.stat()
    if (offset < size) yield* file.createReadStream({ start: offset, end: size - 1, autoClose: false })
  } finally {
    await file.close()
  }
}

/** Where the last `tailBytes` of a log begin, moved on to where a line does, or at least a state of a progress bar. */
export async function startOfTail(logFile: string, tailBytes: number): Promise<number> {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
  const start = size - tailBytes
  if (start <= 0) return 0
  const { bytes } = await readLog(logFile, start, Math.min(tailBytes, PIECE_BYTES))
  const newline = bytes.indexOf(0x0a)
  return start + (newline === -1 ? bytes.indexOf(0x0d) : newline) + 1
}

/**
 * The log from `offset` on, as it grows, until the attempt has ended and everything was given, or `signal`
 * aborts. `hasEnded` is asked each time nothing new was found.
 */
export async function* followLog(
  logFile: string,
  offset: number,
  hasEnded: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<LogPiece> {
  let next = offset
  let lookMs = SHORTEST_LOOK_MS
  while (!signal.aborted) {
    // Asked before reading: what was written before the end is in the file by then.
    const ended = await hasEnded()
    for (let piece = await readLog(logFile, next, PIECE_BYTES); piece.bytes.length > 0;) {
      next += piece.bytes.length
      lookMs = SHORTEST_LOOK_MS
      yield piece
      if (signal.aborted) return
      piece = await readLog(logFile, next, PIECE_BYTES)
    }
    if (ended) return
    await pause(lookMs, signal)
    lookMs = Math.min(lookMs * 1.5, LONGEST_LOOK_MS)
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function openOrNothing(path: string) {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
