import { expect, test } from 'vitest'
import { parseStat } from './processes.ts'

test('a process whose name looks like more fields is read right', () => {
  const text = '42 (a) S 1 (b) R 7 40 41 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1000 25 18446744073709551615 0'

  expect(parseStat(text)).toEqual({
    pid: 42,
    state: 'R',
    parent: 7,
    group: 40,
    session: 41,
    startTicks: '987654',
    residentPages: 25,
  })
})
