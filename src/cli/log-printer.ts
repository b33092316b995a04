import { timeAt, type LogTime } from '../core/log-times.ts'

export interface LogPrinterOptions {
  /** Colours pass, and a progress bar is one line that changes. Else neither colours nor states of a bar but its last. */
  readonly isTerminal: boolean
  readonly timestamps: boolean
  readonly write: (bytes: Buffer) => void
}

export interface LogPrinter {
  /** Bytes of the log from `offset` on, and when they came. May be cut anywhere. */
  push(bytes: Buffer, offset: number, times: readonly LogTime[]): void
  /** Nothing follows. */
  end(): void
}

// One byte is one character here, so that UTF-8 may be cut anywhere. Of what is escaped colours pass and, on a
// terminal, the clearing of a line's rest: a log shall not set titles, move the cursor or write the clipboard.
// oxlint-disable-next-line no-control-regex
const ESCAPE = /\u001b(?:\[[0-9;:?]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_]?)/g
// oxlint-disable-next-line no-control-regex
const UNFINISHED_ESCAPE = /\u001b(?:\[[0-9;:?]*|\][^\u0007\u001b]{0,4096}\u001b?)?$/
const CLEAR_LINE = '\r\u001b[K'

/** Shows a log as people want to read it; the log's own bytes are what `--raw` prints. */
export function createLogPrinter(options: LogPrinterOptions): LogPrinter {
  const line = options.isTerminal ? liveLine(options) : lastState(options)
  let held = ''

  return {
    push(bytes, offset, times) {
      const text = held + bytes.toString('latin1')
      let at = offset - held.length
      const whole = text.replace(UNFINISHED_ESCAPE, '')
      held = text.slice(whole.length)
      for (const part of whole.match(/[^\r\n]+|\r+\n|[\r\n]/g) ?? []) {
        if (part.endsWith('\n')) line.newline()
        else if (part.endsWith('\r')) line.back()
        else line.text(cleaned(part, options), () => stamp(options, timeAt(times, at)))
        at += part.length
      }
    },
    end: () => line.end(),
  }
}

interface Line {
  text(part: string, stamp: () => string): void
  back(): void
  newline(): void
  end(): void
}

function liveLine({ write }: LogPrinterOptions): Line {
  let isStart = true
  let goesBack = false
  const say = (text: string) => write(Buffer.from(text, 'latin1'))
  return {
    text(part, stamp) {
      if (goesBack) say(CLEAR_LINE)
      if (isStart || goesBack) say(stamp())
      say(part)
      isStart = false
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

function lastState({ write }: LogPrinterOptions): Line {
  let state: string | undefined
  let goesBack = false
  const say = (end: string) => write(Buffer.from(`${state ?? ''}${end}`, 'latin1'))
  return {
    text(part, stamp) {
      if (goesBack || state === undefined) state = stamp()
      state += part
      goesBack = false
    },
    back: () => void (goesBack = true),
    newline() {
      say('\n')
      state = undefined
      goesBack = false
    },
    end() {
      if (state !== undefined) say('')
    },
  }
}

function cleaned(text: string, { isTerminal }: LogPrinterOptions): string {
  return text.replace(ESCAPE, (escape, final: string | undefined) => {
    return isTerminal && (final === 'm' || final === 'K') ? escape : ''
  })
}

function stamp({ timestamps, isTerminal }: LogPrinterOptions, at: number | undefined): string {
  if (!timestamps) return ''
  const time = `${logTime(at)}  `
  return isTerminal ? `\u001b[2m${time}\u001b[22m` : time
}

/** In UTC, to the millisecond; as wide where it is not known. */
export function logTime(at: number | null | undefined): string {
  return at === null || at === undefined ? ' '.repeat(23) : new Date(at).toISOString().slice(0, 23).replace('T', ' ')
}
