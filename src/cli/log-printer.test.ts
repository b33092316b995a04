import { expect, test } from 'vitest'
import { createLogPrinter, type LogPrinterOptions } from './log-printer.ts'

function printed(chunks: readonly string[], options: Partial<LogPrinterOptions> = {}): string {
  const shown: Buffer[] = []
  const printer = createLogPrinter({
    isTerminal: false,
    timestamps: false,
    write: (bytes) => void shown.push(bytes),
    ...options,
  })
  let offset = 0
  for (const chunk of chunks) {
    const bytes = Buffer.from(chunk)
    printer.push(bytes, offset, TIMES)
    offset += bytes.length
  }
  printer.end()
  return Buffer.concat(shown).toString()
}

const TIMES = [
  { offset: 0, at: 1_000 },
  { offset: 4, at: 2_500 },
]

test('through a pipe a progress bar is its last state, without colours', () => {
  expect(printed(['10 %\r20', ' %\r\u001b[32m100 %\u001b[0m\r\nsaved\r\nrest'])).toBe('100 %\nsaved\nrest')
})

test('on a terminal a progress bar is one line that changes, in its colours', () => {
  expect(printed(['10 %\r', '\u001b[32m9 %\u001b[0m\n'], { isTerminal: true })).toBe(
    '10 %\r\u001b[K\u001b[32m9 %\u001b[0m\n',
  )
})

test('what does more to a terminal than colour does not pass, wherever the log is cut', () => {
  const log = 'a\u001b]52;c;cm0gLXJm\u0007b\u001b[2J\u001b[31mc\u001b]0;title\u001b\\d\n'
  for (let cut = 0; cut <= log.length; cut++) {
    expect(printed([log.slice(0, cut), log.slice(cut)], { isTerminal: true })).toBe('ab\u001b[31mcd\n')
  }
})

test('each line stands behind the time its first byte came', () => {
  expect(printed(['one\ntwo\nthr', 'ee\n'], { timestamps: true })).toBe(
    '1970-01-01 00:00:01.000  one\n1970-01-01 00:00:02.500  two\n1970-01-01 00:00:02.500  three\n',
  )
})

test('letters of several bytes may be cut anywhere', () => {
  const printer: Buffer[] = []
  const log = createLogPrinter({ isTerminal: true, timestamps: false, write: (bytes) => void printer.push(bytes) })
  for (const byte of Buffer.from('schön — 猫\n')) log.push(Buffer.of(byte), 0, [])

  expect(Buffer.concat(printer).toString()).toBe('schön — 猫\n')
})
