import { closeSync, openSync, readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { searchLines, type FoundLine, type Search } from './grep-lines.ts'

/**
 * A thread of its own, because a pattern can take longer than the sun shines, and only a thread can be ended in
 * the midst of one. Tells after every piece how far it is.
 */
export interface GrepOrder extends Search {
  readonly logFile: string
}

export interface GrepProgress {
  readonly found: readonly FoundLine[]
  readonly next: { readonly offset: number; readonly line: number }
  readonly isDone: boolean
  /** The end of the log was reached, and the limit was not. */
  readonly isWhole: boolean
}

const PIECE_BYTES = 256 << 10
/** A line without an end is cut here: its parts are searched one by one. */
const LONGEST_REST = 1 << 20

const order = workerData as GrepOrder
const search = searchLines(order)
const file = openSync(order.logFile, 'r')
const piece = Buffer.alloc(PIECE_BYTES)
let rest: Buffer = Buffer.alloc(0)
let at = order.offset
let goesOn = true
while (goesOn) {
  const bytes = piece.subarray(0, readSync(file, piece, 0, piece.length, at))
  at += bytes.length
  const all = Buffer.concat([rest, bytes])
  const isEnd = bytes.length === 0
  const whole = isEnd ? all.length : wholeLines(all)
  rest = Buffer.from(all.subarray(whole))
  const wantsMore = search.push(all.subarray(0, whole))
  goesOn = wantsMore && !isEnd
  say({ found: search.take(), next: search.next, isDone: !goesOn, isWhole: isEnd && wantsMore })
}
closeSync(file)

/** How many bytes to search now. The last byte may be a carriage return that a newline follows. */
function wholeLines(bytes: Buffer): number {
  const lines = bytes.lastIndexOf(10) + 1
  if (lines > 0 || bytes.length <= LONGEST_REST) return lines
  return bytes.lastIndexOf(13, -2) + 1 || bytes.length
}

function say(progress: GrepProgress): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(progress)
}
