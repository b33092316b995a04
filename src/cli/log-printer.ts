import { applyBackspaces } from '../core/backspaces.ts'
import { timeAt, type LogTime } from '../core/log-times.ts'
import { escapePattern, unfinishedEscapePattern } from '../core/terminal-escapes.ts'

export interface LogPrinterOptions {
  /** Colours pass, and a progress bar is one line that changes. Else neither colours nor states of a bar but its last. */
  readonly isTerminal: boolean
  readonly timestamps: boolean
}

export interface LogPrinter {
  /** What to show of the log's bytes from `offset` on, and when they came. May be cut anywhere. */
  push(bytes: Buffer, offset: number, times: readonly LogTime[]): Buffer
  /** Nothing follows: the rest. */
  end(): Buffer
}

// One byte is one character here, so that UTF-8 may be cut anywhere: what a terminal takes for `ESC [` and `ESC ]` in
// one character (U+009B, U+009D) are two. Of what is escaped colours pass and, on a terminal, the clearing of a line's
// rest; of control characters the tab and what ends lines: a log shall not set titles, ring, move the cursor out of its
// line or write the clipboard. Backspaces are applied, and do not pass either.
const LEAD = '\u00c2'
const CONTROLS = String.raw`\u001b|\u00c2[\u0080-\u009f]|[\u0000-\u0007\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f]`
const ESCAPE = new RegExp(`${escapePattern(LEAD)}|${CONTROLS}`, 'g')
// oxlint-disable-next-line no-control-regex
const NEEDS_CLEANING = /[\u0000-\u0007\u000b\u000c\u000e-\u001f\u007f]|\u00c2[\u0080-\u009f]/
const UNFINISHED_ESCAPE = new RegExp(unfinishedEscapePattern(LEAD))
// oxlint-disable-next-line no-control-regex
const CHARACTER = /\u001b\[[0-9;:?]*[mK]|[\u00c0-\u00ff][\u0080-\u00bf]*|[^]/g
/** Backspaces are left out of a line that is longer: it is kept as long as it is unfinished. */
const LONGEST_OVERWRITTEN = 64 << 10
const CLEAR_LINE = '\r\u001b[K'

/** Shows a log as people want to read it; the log's own bytes are what `--raw` prints. */
export function createLogPrinter(options: LogPrinterOptions): LogPrinter {
  // What is to be shown is handed over at once: a write for each line takes ten times as long as all the rest.
  const shown: string[] = []
  const line = overwritten((options.isTerminal ? liveLine : lastState)((text) => void shown.push(text)))
  const take = () => Buffer.from(shown.splice(0).join(''), 'latin1')
  const stamp = stamper(options.isTerminal)
  let held = ''

  return {
    push(bytes, offset, times) {
      const text = held + bytes.toString('latin1')
      const start = offset - held.length
      const whole = text.replace(UNFINISHED_ESCAPE, '')
      held = text.slice(whole.length)
      if (options.timestamps) showStamped(line, whole, options, (at) => stamp(timeAt(times, start + at)))
      else showParts(line, whole, options)
      return take()
    },
    end() {
      line.end()
      return take()
    },
  }
}

/** Many lines may be one part. */
function showParts(line: Line, whole: string, options: LogPrinterOptions): void {
  for (const part of whole.match(/[^\r]+|\r+\n|\r/g) ?? []) {
    if (part === '\r') line.back()
    else if (part.startsWith('\r')) line.newline()
    else {
      // After a way back escapes alone are a new state, too: most clear the line.
      if (part.startsWith('\u001b')) line.text('', () => '')
      line.text(cleaned(part, options), () => '')
    }
  }
}

function showStamped(line: Line, whole: string, options: LogPrinterOptions, stampAt: (at: number) => string): void {
  let at = 0
  for (const part of whole.match(/[^\r\n]+|\r+\n|[\r\n]/g) ?? []) {
    const from = at
    if (part.endsWith('\n')) line.newline()
    else if (part.endsWith('\r')) line.back()
    else line.text(cleaned(part, options), () => stampAt(from))
    at += part.length
  }
}

interface Line {
  /** Holds newlines only where stamps are empty. */
  text(part: string, stamp: () => string): void
  back(): void
  newline(): void
  end(): void
}

/** A line that goes back over itself is shown anew, as a progress bar is after a carriage return. */
function overwritten(line: Line): Line {
  let current = ''

  function overwrite(piece: string, stamp: () => string): void {
    if (current.length > LONGEST_OVERWRITTEN) return line.text(piece.replaceAll('\b', ''), stamp)
    if (current !== '') line.back()
    current = applyBackspaces(current + piece, CHARACTER)
    line.text(current.replace(/[\b]+$/, ''), stamp)
  }

  function newline(): void {
    current = ''
    line.newline()
  }

  return {
    text(part, stamp) {
      if (!part.includes('\b') && !current.endsWith('\b')) {
        current = afterNewline(current + part).slice(0, LONGEST_OVERWRITTEN + 1)
        return line.text(part, stamp)
      }
      for (const [index, piece] of part.split('\n').entries()) {
        if (index > 0) newline()
        if (piece !== '') overwrite(piece, stamp)
      }
    },
    back() {
      current = ''
      line.back()
    },
    newline,
    end: () => line.end(),
  }
}

function afterNewline(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1)
}

function liveLine(say: (text: string) => void): Line {
  let isStart = true
  let goesBack = false
  return {
    text(part, stamp) {
      if (goesBack && !part.startsWith('\n')) say(CLEAR_LINE)
      if (isStart || goesBack) say(stamp())
      say(part)
      isStart = part.endsWith('\n')
      goesBack = false
    },
    back: () => void (goesBack = true),
    newline() {
      say('\n')
      isStart = true
      goesBack = false
    },
    end: () => undefined,
  }
}

function lastState(say: (text: string) => void): Line {
  let state: string | undefined
  let goesBack = false
  return {
    text(part, stamp) {
      if (state === undefined || (goesBack && !part.startsWith('\n'))) state = stamp()
      goesBack = false
      const end = part.lastIndexOf('\n') + 1
      if (end > 0) say(state + part.slice(0, end))
      const rest = part.slice(end)
      if (end === 0) state += rest
      else state = rest === '' ? undefined : rest
    },
    back: () => void (goesBack = true),
    newline() {
      say(`${state ?? ''}\n`)
      state = undefined
      goesBack = false
    },
    end() {
      if (state !== undefined) say(state)
      state = undefined
    },
  }
}

function cleaned(text: string, { isTerminal }: LogPrinterOptions): string {
  if (!NEEDS_CLEANING.test(text)) return text
  return text.replace(ESCAPE, (escape: string, _numbers: string | undefined, final: string | undefined) => {
    return isTerminal && escape.startsWith('\u001b') && (final === 'm' || final === 'K') ? escape : ''
  })
}

/** Many lines come at the same moment, whose text is made once. */
function stamper(isTerminal: boolean): (at: number | undefined) => string {
  let last: number | undefined
  let text = ''
  return (at) => {
    if (text !== '' && at === last) return text
    last = at
    text = `${logTime(at)}  `
    if (isTerminal) text = `\u001b[2m${text}\u001b[22m`
    return text
  }
}

/** In UTC, to the millisecond; as wide where it is not known. */
export function logTime(at: number | null | undefined): string {
  return at === null || at === undefined ? ' '.repeat(23) : new Date(at).toISOString().slice(0, 23).replace('T', ' ')
}
