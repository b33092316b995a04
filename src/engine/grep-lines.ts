import { escapePattern } from '../core/terminal-escapes.ts'

/** A line of a log that matched, or stands near one that did. */
export interface FoundLine {
  /** From 1. A state of a progress bar, which ends with a carriage return, is a line too. */
  readonly line: number
  /** Of its first byte in the log. */
  readonly offset: number
  /** Of a long line what stands around the match, with `…` for what does not. */
  readonly text: string
  readonly isMatch: boolean
}

export interface Search {
  readonly pattern: string
  readonly ignoresCase: boolean
  /** Lines shown before and after a match. */
  readonly context: number
  readonly limit: number
  /** Where to begin, and the number of the line there. */
  readonly offset: number
  readonly line: number
}

export interface LineSearch {
  /**
   * Whole lines, from the first on that was not given yet; false: the limit was reached. What no line break ends
   * is a part of a line, and what comes next is looked at on its own and has the same number.
   */
  push(lines: Buffer): boolean
  /** What was found since this was asked last. */
  take(): FoundLine[]
  /** Where another search would have to begin to find the same from here on. */
  readonly next: { readonly offset: number; readonly line: number }
}

const LONGEST_SHOWN = 4_000
/** Of a long line, in front of the match. */
const SHOWN_BEFORE = 1_000
// Also what else a terminal would obey: lines that were found are printed as they are.
const CONTROLS = String.raw`[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]`
const ESCAPE = new RegExp(`${escapePattern()}|${CONTROLS}`, 'g')
const NEWLINE = 10
const RETURN = 13

/** Looks for a pattern in lines as they come, and keeps no more of them than the context. */
export function searchLines(search: Search): LineSearch {
  const pattern = new RegExp(search.pattern, search.ignoresCase ? 'i' : '')
  const before: FoundLine[] = []
  let found: FoundLine[] = []
  let { offset, line, limit: left } = search
  let after = 0

  function look(text: string, at: number): void {
    const match = left > 0 ? pattern.exec(text) : null
    const isMatch = match !== null
    const row = { line, offset: at, text: shown(text, match?.index ?? 0), isMatch }
    if (isMatch) {
      found.push(...before.splice(0), row)
      left -= 1
      after = search.context
    } else if (after > 0) {
      found.push(row)
      after -= 1
    } else {
      before.push(row)
      if (before.length > search.context) before.shift()
    }
  }

  return {
    push(lines) {
      // A megabyte of a progress bar may have no newline: it is looked for once, not for each state.
      let newline = -1
      for (let from = 0; from < lines.length && (left > 0 || after > 0);) {
        if (from > newline) newline = indexOrEnd(lines, NEWLINE, from)
        const end = endOfLine(lines, from, newline)
        look(visible(lines.subarray(from, end)), offset)
        if (isLineBreak(lines[end - 1])) line += 1
        offset += end - from
        from = end
      }
      return left > 0 || after > 0
    },
    take() {
      const taken = found
      found = []
      return taken
    },
    get next() {
      const [first] = before
      return first === undefined ? { offset, line } : { offset: first.offset, line: first.line }
    },
  }
}

/** One past its newline, or past its carriage return where no newline follows. */
function endOfLine(bytes: Buffer, from: number, newline: number): number {
  const end = Math.min(newline + 1, bytes.length)
  const back = bytes.subarray(from, end).indexOf(RETURN)
  if (back === -1 || from + back + 1 >= end - 1) return end
  return from + back + 1
}

function indexOrEnd(bytes: Buffer, byte: number, from: number): number {
  const index = bytes.indexOf(byte, from)
  return index === -1 ? bytes.length : index
}

function isLineBreak(byte: number | undefined): boolean {
  return byte === NEWLINE || byte === RETURN
}

/** A line may have a megabyte: it is searched whole, and nobody wants to read more than this of it. */
function shown(text: string, match: number): string {
  if (text.length <= LONGEST_SHOWN) return text
  const from = match < LONGEST_SHOWN - SHOWN_BEFORE ? 0 : match - SHOWN_BEFORE
  const end = from + LONGEST_SHOWN
  return `${from > 0 ? '…' : ''}${text.slice(from, end)}${end < text.length ? '…' : ''}`
}

function visible(line: Buffer): string {
  return line
    .toString('utf8')
    .replace(/[\r\n]+$/, '')
    .replace(ESCAPE, '')
}
