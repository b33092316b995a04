import { expect, test } from 'vitest'
import { appendText, EMPTY_SCREEN, liveLine, type Screen } from './terminal-text.ts'

function screenOf(...chunks: string[]): Screen {
  return chunks.reduce(appendText, EMPTY_SCREEN)
}

function textOf(screen: Screen): string[] {
  return [...screen.lines, liveLine(screen)].map((spans) => spans.map(({ text }) => text).join(''))
}

test('a progress bar is one line, which shows how far it has come', () => {
  const screen = screenOf('epoch 1\n10 %\r', '20 %\r30', ' %')

  expect(textOf(screen)).toEqual(['epoch 1', '30 %'])
})

test('a progress bar that is done stays as it was last', () => {
  const screen = screenOf('10 %\r100 %\r\nsaved\r\n')

  expect(textOf(screen)).toEqual(['100 %', 'saved', ''])
})

const TWO_BARS = [
  'start\n\repoch 0/2\n\rbatch 0/2\u001b[A\n\rbatch 2/2\u001b[A',
  '\n\r         \u001b[A\repoch 1/2\n\rbatch 0/2\u001b[A\n\r         \u001b[A\repoch 2/2\nsaved\n',
].join('')
const RICH = [
  '\u001b[?25l\r\u001b[2Kload \u001b[91m10%\u001b[0m\ntrain 0%',
  '\r\u001b[2K\u001b[1A\u001b[2Ka note\nload \u001b[91m20%\u001b[0m\ntrain 5%',
  '\r\u001b[2K\u001b[1A\u001b[2Kload 100%\ntrain 100%\n\u001b[?25hdone\n',
].join('')

test('bars below one another, between which the cursor goes up and down, are lines that change', () => {
  expect(textOf(screenOf(TWO_BARS))).toEqual(['start', 'epoch 2/2', 'saved', ''])
  expect(textOf(screenOf(RICH))).toEqual(['a note', 'load 100%', 'train 100%', 'done', ''])
  expect(textOf(screenOf('one\ntwo\nthree\u001b[2F1\u001b[1B2\u001b[E3'))).toEqual(['1', '2', '3', ''])
})

test('bars below one another look the same wherever a chunk ends, and are never more lines than there are bars', () => {
  for (const whole of [TWO_BARS, RICH]) {
    for (let cut = 0; cut <= whole.length; cut++) {
      expect(screenOf(whole.slice(0, cut), whole.slice(cut))).toEqual(screenOf(whole))
      expect(screenOf(whole.slice(0, cut)).lines.length).toBeLessThanOrEqual(4)
    }
  }
})

test('a line to which the cursor goes up stays until something is written there', () => {
  expect(textOf(screenOf('one\ntwo\n\u001b[2A'))).toEqual(['one', 'two', ''])
  expect(textOf(screenOf('one\ntwo\n\u001b[2A\u001b[?25h\u001b[0m\r\n2'))).toEqual(['one', '2', ''])
  expect(textOf(screenOf('one\ntwo\n\u001b[2A\u001b[K'))).toEqual(['', 'two', ''])
})

test('a line that is erased without a carriage return is empty', () => {
  expect(textOf(screenOf('waiting\u001b[2K\u001b[1Gready\n'))).toEqual(['ready', ''])
})

test('the cursor reaches only the last hundred lines', () => {
  const screen = screenOf(Array.from({ length: 300 }, (_, line) => `${line}\n`).join(''), '\u001b[999Ahere')

  expect(textOf(screen).slice(198, 203)).toEqual(['198', '199', 'here', '201', '202'])
})

test('colours are kept across lines until they are taken back', () => {
  const screen = screenOf('\u001b[1;31mfailed\nstill\u001b[0m plain\n')

  expect(screen.lines).toEqual([
    [{ text: 'failed', color: 'red', isBold: true }],
    [{ text: 'still', color: 'red', isBold: true }, { text: ' plain' }],
  ])
})

test('an escape sequence may be cut anywhere', () => {
  const whole = 'a \u001b[32mgreen\u001b[39m word\u001b]0;title\u0007\n'

  for (let cut = 0; cut <= whole.length; cut++) {
    const screen = screenOf(whole.slice(0, cut), whole.slice(cut))
    expect(screen.lines).toEqual([[{ text: 'a ' }, { text: 'green', color: 'green' }, { text: ' word' }]])
  }
})

test('what only moves a cursor is left out, and so are shades beyond the eight', () => {
  const screen = screenOf('\u001b[2K\u001b[1Gone \u001b[38;5;208mtwo\u001b[38;2;1;2;3m three\u001b[?25l')

  expect(textOf(screen)).toEqual(['one two three'])
})

test('of what chooses characters, keeps the cursor or draws images nothing is shown', () => {
  const screen = screenOf('\u001b(B\u001b[mone\u001b7 two\u001b8\u001bPq#0~~\u001b\\ three\u001b[0 q\n')

  expect(textOf(screen)).toEqual(['one two three', ''])
})

test('a cut escape sequence is not shown while the rest is missing', () => {
  expect(textOf(screenOf('ready\u001b[3'))).toEqual(['ready'])
})

test('a bar that goes back with backspaces is one line, and no control character is shown', () => {
  const screen = screenOf('at 10%\b\b\b', '20%\b\b', '\b35%\ndone\u0007\u009b31m\u0085\n|\b/\b-')

  expect(textOf(screen)).toEqual(['at 35%', 'done', '-'])
})

test('of a log without end the newest lines are kept, and the rest is counted', () => {
  const screen = screenOf(Array.from({ length: 6_000 }, (_, line) => `${line}\n`).join(''))

  expect(screen).toMatchObject({ dropped: 1_000, lines: { length: 5_000 } })
  expect(textOf(screen)[0]).toBe('1000')
})
