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
  /** Lines, oldest first; at most `MOST_LINES`. */
  readonly lines: readonly (readonly Span[])[]
  /** How many were let go at the beginning. */
  readonly dropped: number
  /** What was written to the line with the cursor since the cursor came there, as bytes came. */
  readonly unfinished: string
  /** How many lines the cursor is above the one after `lines`: displays of several bars go up and write anew. */
  readonly up: number
  readonly style: Style
}

interface Style {
  readonly color?: TerminalColor
  readonly isBold?: boolean
}

const COLORS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const
const MOST_LINES = 5_000

/** More than a terminal has: what went out at its top cannot be written over. */
const MOST_UP = 100

export const EMPTY_SCREEN: Screen = { lines: [], dropped: 0, unfinished: '', up: 0, style: {} }

/** The screen after more of a log has come. Chunks may end anywhere, also inside an escape sequence. */
export function appendText(screen: Screen, text: string): Screen {
  const canvas = { lines: [...screen.lines], row: screen.lines.length - screen.up, style: screen.style }
  const parts = (screen.unfinished + text).split('\n')
  const last = parts.pop() ?? ''
  for (const part of parts) {
    finishLine(canvas, writeUntilLastMove(canvas, part))
    canvas.row += 1
  }
  const unfinished = withoutOverwritten(writeUntilLastMove(canvas, last))
  const { lines, row, style } = canvas
  // It shows where it stands, and is written again with what comes after it.
  if (row < lines.length) finishLine(canvas, unfinished)
  while (lines.length > row && lines.at(-1)?.length === 0) lines.pop()
  const surplus = Math.max(0, lines.length - MOST_LINES)
  return {
    lines: lines.slice(surplus),
    dropped: screen.dropped + surplus,
    unfinished,
    up: lines.length - row,
    style,
  }
}

/** The line after all others as it looks now. */
export function liveLine({ unfinished, up, style }: Screen): readonly Span[] {
  return up > 0 ? [] : drawLine(unfinished, style).spans
}

interface Canvas {
  readonly lines: (readonly Span[])[]
  /** Where the cursor is: in one of the lines, or in the one after them. */
  row: number
  style: Style
}

// Up and down (`A`, `B`), and to the beginning of such a line (`F`, `E`).
// oxlint-disable-next-line no-control-regex
const MOVE = /(?:\u001b\[|\u009b)(\d*)([ABEF])/

/** What is left is for the line in which the cursor is then. */
function writeUntilLastMove(canvas: Canvas, part: string): string {
  if (!MOVE.test(part)) return part
  const [first = '', ...moves] = part.split(MOVE)
  let rest = first
  for (let at = 0; at < moves.length; at += 3) {
    if (rest !== '') finishLine(canvas, rest)
    moveCursor(canvas, Number(moves[at]) || 1, moves[at + 1] ?? '')
    rest = moves[at + 2] ?? ''
  }
  return rest
}

function moveCursor(canvas: Canvas, by: number, direction: string): void {
  const { row, lines } = canvas
  const isDown = direction === 'B' || direction === 'E'
  canvas.row = isDown ? Math.min(row + by, lines.length) : Math.max(row - by, lines.length - MOST_UP, 0)
}

/** A line to which the cursor came back is kept until something is written there, and then written anew as a whole. */
function finishLine(canvas: Canvas, raw: string): void {
  const { spans, style } = drawLine(raw, canvas.style)
  canvas.style = style
  if (canvas.row === canvas.lines.length || writesOver(raw)) canvas.lines[canvas.row] = spans
}

/** Colours alone write nothing; erasing (`K`) does. */
function writesOver(raw: string): boolean {
  const text = raw.replace(UNFINISHED_ESCAPE, '').replace(ESCAPE, (escape) => (escape.endsWith('K') ? escape : ''))
  return /[^\r]/.test(text)
}

const ERASE_LINE = '\u001b[2K'

/**
 * A carriage return writes over the line, as progress bars do: what stands after the last one that has text counts.
 * Some erase the line, or go back with backspaces.
 */
function withoutOverwritten(raw: string): string {
  const ended = raw.replace(/\r+$/, '')
  const last = raw.slice(Math.max(ended.lastIndexOf('\r') + 1, ended.lastIndexOf(ERASE_LINE)))
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
