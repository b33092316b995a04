/** A line of a log that matched, or stands near one that did. */
export interface FoundLine {
  /** From 1. A state of a progress bar, which ends with a carriage return, is a line too. */
  readonly line: number
  /** Of its first byte in the log. */
  readonly offset: number
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
  /** Whole lines, from the first on that was not given yet; false: the limit was reached. */
  push(lines: Buffer): boolean
  /** What was found since this was asked last. */
  take(): FoundLine[]
  /** Where another search would have to begin to find the same from here on. */
  readonly next: { readonly offset: number; readonly line: number }
}

const LONGEST_LINE = 4_000
// oxlint-disable-next-line no-control-regex
const ESCAPE = /\u001b(?:\[[0-9;:?]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_]?)/g
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
    const isMatch = left > 0 && pattern.test(text)
    const row = { line, offset: at, text, isMatch }
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
    line += 1
  }

  return {
    push(lines) {
      for (let from = 0; from < lines.length && (left > 0 || after > 0);) {
        const end = endOfLine(lines, from)
        look(visible(lines.subarray(from, Math.min(end, from + LONGEST_LINE))), offset)
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
function endOfLine(bytes: Buffer, from: number): number {
  const newline = bytes.indexOf(NEWLINE, from)
  const end = newline === -1 ? bytes.length : newline + 1
  const back = bytes.subarray(from, end).indexOf(RETURN)
  if (back === -1 || from + back + 1 >= end - 1) return end
  return from + back + 1
}

function visible(line: Buffer): string {
  return line
    .toString('utf8')
    .replace(/[\r\n]+$/, '')
    .replace(ESCAPE, '')
}
