import { timeAt } from '../../core/log-times.ts'
import { createLogPrinter, type LogPrinter } from '../log-printer.ts'
import type { LogPiece } from './log-pieces.ts'

/** A line of a log as `--json` has it: without colours, of a progress bar its last state. */
export interface LogLine {
  readonly attempt: number | undefined
  /** Of its first byte, and when that came. */
  readonly offset: number
  readonly at: number | null
  readonly text: string
}

interface BegunLine extends Omit<LogLine, 'text'> {
  readonly printer: LogPrinter
}

/** The lines that each piece ends; those of a piece come together, because a write for each takes too long. */
export async function* linesOf(pieces: AsyncIterable<LogPiece>): AsyncGenerator<LogLine[]> {
  let begun: BegunLine | undefined
  for await (const piece of pieces) {
    const lines: LogLine[] = []
    if (begun !== undefined && begun.attempt !== piece.attempt) lines.push(ended(begun, Buffer.of()))
    if (lines.length > 0) begun = undefined
    for (let from = 0; from < piece.bytes.length;) {
      begun ??= begin(piece, from)
      const newline = piece.bytes.indexOf('\n', from)
      const part = piece.bytes.subarray(from, newline === -1 ? undefined : newline)
      from += part.length + 1
      if (newline === -1) begun.printer.push(part, 0, [])
      else {
        lines.push(ended(begun, part))
        begun = undefined
      }
    }
    yield lines
  }
  if (begun !== undefined) yield [ended(begun, Buffer.of())]
}

function begin({ attempt, offset, times }: LogPiece, from: number): BegunLine {
  const printer = createLogPrinter({ isTerminal: false, timestamps: false })
  return { attempt, offset: offset + from, at: timeAt(times, offset + from) ?? null, printer }
}

/** Through a pipe a printer hands a line over when it ends, and nothing before. */
function ended({ printer, ...line }: BegunLine, rest: Buffer): LogLine {
  printer.push(rest, 0, [])
  return { ...line, text: printer.end().toString() }
}
