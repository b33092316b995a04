import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { AppError } from '../core/errors.ts'
import { limit } from '../core/limits.ts'
import { programFile } from '../lib/own-files.ts'
import type { FoundLine, Search } from './grep-lines.ts'
import type { GrepOrder, GrepProgress } from './grep-program.ts'

export interface Found {
  readonly lines: readonly FoundLine[]
  /** Where to go on; null: the log has been searched to its end. */
  readonly next: { readonly offset: number; readonly line: number } | null
}

const AT_ONCE = 4

let searching = 0

/**
 * Lines of a log that match, with those around them. Reads the file as a stream, and stops at the limit of
 * matches or of time; `next` is then where to go on. A pattern that takes all the time for one piece is refused.
 */
export async function grepLog(logFile: string, search: Search, signal: AbortSignal): Promise<Found> {
  refuseBroken(search)
  if (!existsSync(logFile)) return { lines: [], next: null }
  if (searching >= AT_ONCE) {
    throw new AppError('OVERLOADED', `${AT_ONCE} logs are being searched already. Try again in a moment.`)
  }
  searching += 1
  try {
    return await searchInThread({ ...search, logFile }, signal)
  } finally {
    searching -= 1
  }
}

function refuseBroken({ pattern, ignoresCase }: Search): void {
  try {
    RegExp(pattern, ignoresCase ? 'i' : '')
  } catch (error) {
    throw new AppError('INVALID_INPUT', `"${pattern}" is not a regular expression: ${(error as Error).message}`)
  }
}

async function searchInThread(order: GrepOrder, signal: AbortSignal): Promise<Found> {
  const worker = new Worker(programFile('engine/grep-program'), { workerData: order, execArgv: [], env: {} })
  const lines: FoundLine[] = []
  let next = { offset: order.offset, line: order.line }
  let isWhole = false
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  worker.on('message', (progress: GrepProgress) => {
    lines.push(...progress.found)
    next = progress.next
    isWhole = progress.isWhole
    if (progress.isDone) resolve()
  })
  worker.on('error', reject)
  worker.on('exit', () => resolve())
  const timer = setTimeout(resolve, limit('logSearchMs'))
  signal.addEventListener('abort', () => resolve(), { once: true })
  try {
    await ended
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
  if (isWhole) return { lines, next: null }
  if (next.offset === order.offset && lines.length === 0) throw tooSlow(order)
  return { lines, next }
}

function tooSlow({ pattern, offset }: GrepOrder): AppError {
  const seconds = limit('logSearchMs') / 1_000
  return new AppError(
    'INVALID_INPUT',
    `"${pattern}" took longer than ${seconds} s on what stands at byte ${offset} of the log. Write it without a repetition inside a repetition.`,
  )
}
