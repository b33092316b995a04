import { expect, test } from 'vitest'
import { isLogged, reflogEmail } from './ref-moved.ts'

const [c0, c1, c2] = ['0', '1', '2'].map((digit) => digit.repeat(40)) as [string, string, string]
const update = { ref: 'refs/heads/main', oldCommit: c0, newCommit: c1 }
const line = (from: string, to: string, push: string) => `${from} ${to} ana <${reflogEmail(push)}> 1 +0000\tpush\n`

test('the newest line of the log counts when the ref agrees', () => {
  expect(isLogged(line(c0, c1, 'a'), c1, 'a', update)).toBe(true)
  expect(isLogged(line(c0, c1, 'a'), c0, 'a', update)).toBe(false)
  expect(isLogged(line(c0, c1, 'a'), undefined, 'a', update)).toBe(false)
})

test('a ref that another push moved on was moved by both', () => {
  const log = line(c0, c1, 'a') + line(c1, c2, 'b')

  expect(isLogged(log, c2, 'a', update)).toBe(true)
  expect(isLogged(log, c2, 'b', { ...update, oldCommit: c1, newCommit: c2 })).toBe(true)
})

test('a push that wrote its line but died before the ref moved has not moved it', () => {
  expect(isLogged(line(c0, c1, 'a') + line(c0, c2, 'b'), c2, 'a', update)).toBe(false)
})

test('another push that led to the same commit is not this one', () => {
  expect(isLogged(line(c0, c1, 'b'), c1, 'a', update)).toBe(false)
  expect(isLogged('', c1, 'a', update)).toBe(false)
})
