import { applyBackspaces } from '../../../../src/core/backspaces.ts'
import { escapePattern, unfinishedEscapePattern } from '../../../../src/core/terminal-escapes.ts'

/** A part of a line that looks the same. */
export interface Span {
  readonly text: string
  readonly color?: TerminalColor
  readonly isBold?: boolean
}

export type TerminalColor = (typeof COLORS)[number]

export interface Screen {
  /** Finished lines, oldest first; at most `MOST_LINES`. */
  readonly lines: readonly (readonly Span[])[]
  /** How many were let go at the beginning. */
  readonly dropped: number
  /** The line that is still written to, as bytes came. */
  readonly unfinished: string
  readonly style: Style
}

interface Style {
  readonly color?: TerminalColor
  readonly isBold?: boolean
}

const COLORS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const
const MOST_LINES = 5_000

export const EMPTY_SCREEN: Screen = { lines: [], dropped: 0, unfinished: '', style: {} }

/** The screen after more of a log has come. Chunks may end anywhere, also inside an escape sequence. */
export function appendText(screen: Screen, text: string): Screen {
  const parts = (screen.unfinished + text).split('\n')
  const unfinished = withoutOverwritten(parts.pop() ?? '')
  const lines = [...screen.lines]
  let { style } = screen
  for (const part of parts) {
    const drawn = drawLine(part, style)
    lines.push(drawn.spans)
    style = drawn.style
  }
  const surplus = Math.max(0, lines.length - MOST_LINES)
  return { lines: lines.slice(surplus), dropped: screen.dropped + surplus, unfinished, style }
}

/** The unfinished line as it looks now. */
export function liveLine(screen: Screen): readonly Span[] {
  return drawLine(screen.unfinished, screen.style).spans
}

/**
 * A carriage return writes over the line, as progress bars do: what stands after the last one that has text counts.
 * Some go back with backspaces.
 */
function withoutOverwritten(raw: string): string {
  const ended = raw.replace(/\r+$/, '')
  const last = raw.slice(ended.lastIndexOf('\r') + 1)
  return last.includes('\b') ? applyBackspaces(last, CHARACTER) : last
}

// Colours end in `m`; everything else (cursor moves, window titles) has no meaning on a page.
const ESCAPE = new RegExp(escapePattern(), 'g')
const UNFINISHED_ESCAPE = new RegExp(unfinishedEscapePattern())
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g
// oxlint-disable-next-line no-control-regex
const CHARACTER = /\u001b\[[0-9;:?]*[@-~]|[^]/gu

function drawLine(raw: string, before: Style): { spans: Span[]; style: Style } {
  const line = withoutOverwritten(raw).replace(/\r+$/, '').replace(UNFINISHED_ESCAPE, '')
  const spans: Span[] = []
  let style = before
  let at = 0
  for (const match of line.matchAll(ESCAPE)) {
    push(spans, line.slice(at, match.index), style)
    at = match.index + match[0].length
    if (match[2] === 'm') style = restyle(style, match[1] ?? '')
  }
  push(spans, line.slice(at), style)
  return { spans, style }
}

function push(spans: Span[], text: string, style: Style): void {
  const visible = text.replace(CONTROL, '')
  if (visible !== '') spans.push({ text: visible, ...style })
}

/** Extended colours (`38;5;n`, `38;2;r;g;b`) keep the text and lose the shade. */
function restyle(before: Style, codes: string): Style {
  let style = before
  const numbers = codes.split(/[;:]/).map(Number)
  for (let index = 0; index < numbers.length; index++) {
    const code = numbers[index] ?? 0
    if (code === 38 || code === 48) {
      index += numbers[index + 1] === 5 ? 2 : 4
      continue
    }
    style = restyleOnce(style, code)
  }
  return style
}

function restyleOnce(style: Style, code: number): Style {
  if (code === 0) return {}
  if (code === 1) return { ...style, isBold: true }
  if (code === 22) return withoutBold(style)
  if (code === 39) return withoutColor(style)
  const color = COLORS[code >= 90 ? code - 90 : code - 30]
  return color === undefined ? style : { ...style, color }
}

function withoutBold({ color }: Style): Style {
  return color === undefined ? {} : { color }
}

function withoutColor({ isBold }: Style): Style {
  return isBold === undefined ? {} : { isBold }
}
