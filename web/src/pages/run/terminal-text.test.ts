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
