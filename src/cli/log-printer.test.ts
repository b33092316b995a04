import { array, assert, constantFrom, nat, property } from 'fast-check'
import { expect, test } from 'vitest'
import { createLogPrinter, type LogPrinterOptions } from './log-printer.ts'

function printed(chunks: readonly (string | Buffer)[], options: Partial<LogPrinterOptions> = {}): string {
  const printer = createLogPrinter({ isTerminal: false, timestamps: false, ...options })
  let offset = 0
  const shown = chunks.map((chunk) => {
    const bytes = Buffer.from(chunk)
    offset += bytes.length
    return printer.push(bytes, offset - bytes.length, TIMES)
  })
  return Buffer.concat([...shown, printer.end()]).toString()
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

test('of what chooses characters, keeps the cursor or draws images nothing is shown, wherever the log is cut', () => {
  const log =
    '\u001b(B\u001b[mone\u001b7 two\u001b8\u001b=\u001bPq#0~~\u001b\\ three\u001b[0 q\u001b_\u00dc\u001b\\ four\n'
  for (let cut = 0; cut <= log.length; cut++) {
    expect(printed([log.slice(0, cut), log.slice(cut)])).toBe('one two three four\n')
  }
})

test('an escape that nothing ends takes no more than its line', () => {
  expect(printed(['\u001bPone\ntwo\n\u001b]three\nfour'])).toBe('one\ntwo\n]three\nfour')
})

test('no control character passes but tabs and what ends lines', () => {
  const log = 'a\u0007b\u0000\u007f\u009b2Jc\u009d0;title\u009cd\u0085°é\te\u001b[31mf\n'
  const bytes = Buffer.from(log)
  for (let cut = 0; cut <= bytes.length; cut++) {
    const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)]
    expect(printed(chunks, { isTerminal: true })).toBe('abcd°é\te\u001b[31mf\n')
    expect(printed(chunks)).toBe('abcd°é\tef\n')
  }
})

test('a bar that goes back with backspaces is its last state through a pipe, and one line on a terminal', () => {
  const bar = ['épo 10%\b\b\b', '20%', '\b\b\b100', '%\nnext\n|\b/', '\b-\n']

  expect(printed(bar)).toBe('épo 100%\nnext\n-\n')
  expect(printed(bar, { isTerminal: true })).toBe(
    'épo 10%\r\u001b[Képo 20%\r\u001b[Képo 100\r\u001b[Képo 100%\nnext\n/\r\u001b[K-\n',
  )
  expect(printed(bar, { timestamps: true }).split('\n')[0]).toMatch(/^1970-01-01 00:00:0\d\.\d{3}  épo 100%$/)
})

test('each line stands behind the time its first byte came', () => {
  expect(printed(['one\ntwo\nthr', 'ee\n'], { timestamps: true })).toBe(
    '1970-01-01 00:00:01.000  one\n1970-01-01 00:00:02.500  two\n1970-01-01 00:00:02.500  three\n',
  )
})

test('letters of several bytes may be cut anywhere', () => {
  const log = 'schön — 猫\n'

  expect(
    printed(
      [...Buffer.from(log)].map((byte) => Buffer.of(byte)),
      { isTerminal: true },
    ),
  ).toBe(log)
})

/** As one reads it line by line: what stands after the last carriage return that something follows, without escapes. */
function lastStates(log: string): string {
  const lines = log.split('\n').map((line) => line.replace(/\r+$/, '').replace(/^[^]*\r/, ''))
  // oxlint-disable-next-line no-control-regex
  return lines.join('\n').replaceAll(/\u001b\[\d*m/g, '')
}

const LOG = array(constantFrom('a', 'bc', '\n', '\r', '\r\n', ' ', 'é', '\u001b[1m'), { maxLength: 60 }).map((parts) =>
  parts.join(''),
)

test('through a pipe each line is its last state, wherever the log is cut', () => {
  assert(
    property(LOG, array(nat(80), { maxLength: 5 }), (log, places) => {
      const bytes = Buffer.from(log)
      const cuts = [0, ...places.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length]
      const chunks = cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end))

      expect(printed(chunks)).toBe(lastStates(log))
    }),
    { numRuns: 2_000 },
  )
})

test('a log without carriage returns is handed over as it is, many lines at once', () => {
  const log = 'a line\n'.repeat(10_000)
  const printer = createLogPrinter({ isTerminal: false, timestamps: false })

  expect(printer.push(Buffer.from(`${log}rest`), 0, []).toString()).toBe(log)
  expect(printer.end().toString()).toBe('rest')
})
