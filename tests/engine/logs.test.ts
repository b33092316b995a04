import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text as textOfStream } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { grepLog } from '../../src/engine/grep-log.ts'
import { followLog, logFileOf, readLog, startOfTail, streamLog } from '../../src/engine/logs.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidegate-log-'))
})
afterEach(() => rm(folder, { recursive: true }))

const write = (text: string) => appendFile(join(folder, 'log'), text)
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

test('a log is read by offset, at most as much as asked for', async () => {
  await write('0123456789')

  expect(text((await readLog(logFileOf(folder), 3, 4)).bytes)).toBe('3456')
  expect(text((await readLog(logFileOf(folder), 8, 100)).bytes)).toBe('89')
  expect((await readLog(logFileOf(folder), 50, 100)).bytes).toHaveLength(0)
})

test('an attempt that has printed nothing has an empty log', async () => {
  expect((await readLog(logFileOf(folder), 0, 100)).bytes).toHaveLength(0)
})

test('a follower gets every byte once, from its offset to the end of the attempt', async () => {
  await write('before ')
  let looks = 0
  const hasEnded = async () => {
    looks += 1
    if (looks === 2) await write('in between ')
    if (looks === 3) await write('at the end')
    return looks >= 3
  }

  const pieces: { offset: number; text: string }[] = []
  for await (const piece of followLog(logFileOf(folder), 3, hasEnded, new AbortController().signal)) {
    pieces.push({ offset: piece.offset, text: text(piece.bytes) })
  }

  expect(pieces).toEqual([
    { offset: 3, text: 'ore ' },
    { offset: 7, text: 'in between ' },
    { offset: 18, text: 'at the end' },
  ])
})

test('a follower that is no longer wanted stops', async () => {
  const stop = new AbortController()
  const follower = followLog(logFileOf(folder), 0, async () => false, stop.signal)
  const next = follower.next()
  stop.abort()

  expect(await next).toMatchObject({ done: true })
})

test('the end of a log begins where a line does, or where a progress bar has a new state', async () => {
  await write('one\ntwo\nthree\n')
  const afterLines = await startOfTail(logFileOf(folder), 8)
  await write(' 10 %\r 20 %\r 30 %')

  expect(afterLines).toBe('one\ntwo\n'.length)
  expect(await startOfTail(logFileOf(folder), 100)).toBe(0)
  expect(await startOfTail(logFileOf(folder), 8)).toBe('one\ntwo\nthree\n 10 %\r 20 %\r'.length)
  expect(await startOfTail(join(folder, 'none'), 8)).toBe(0)
})

test('a whole log comes as a stream, as far as it has come', async () => {
  await write('0123456789')

  expect(await streamed(join(folder, 'log'), 3)).toBe('3456789')
  expect(await streamed(join(folder, 'log'), 10)).toBe('')
  expect(await streamed(join(folder, 'none'), 0)).toBe('')
})

function streamed(file: string, offset: number): Promise<string> {
  return textOfStream(Readable.from(streamLog(file, offset)))
}

const SEARCH = { ignoresCase: false, context: 0, limit: 100, offset: 0, line: 1 }
const grep = (pattern: string, more: Partial<typeof SEARCH> = {}) =>
  grepLog(logFileOf(folder), { ...SEARCH, pattern, ...more }, new AbortController().signal)

test('a log is searched line by line: colours do not hide a word, and each state of a progress bar is a line', async () => {
  await write('epoch 1\n10 %\r20 % loss nan\r30 %\n\u001b[31mER\u001b(B\u001b[mROR here\r\nlast')

  expect((await grep('nan|ERROR|last$')).lines.map(({ line, text }) => `${line} ${text}`)).toEqual([
    '3 20 % loss nan',
    '5 ERROR here',
    '6 last',
  ])
  expect((await grep('error', { ignoresCase: true })).lines).toHaveLength(1)
})

test('what a terminal would obey is not in what was found', async () => {
  await write('a\u0007b\b\u009b2Jc\u009d0;title\u0007 here\n')

  expect((await grep('here')).lines).toMatchObject([{ text: 'abc here' }])
})

test('lines around a match are shown once, and a search goes on where its limit stopped it', async () => {
  await write(Array.from({ length: 30 }, (_, line) => `line ${line + 1}\n`).join(''))

  const first = await grep('[05]$', { context: 1, limit: 2 })
  const rest = await grep('[05]$', { context: 1, limit: 100, ...first.next })

  const numbers = [...first.lines, ...rest.lines].map(({ line }) => line)
  expect(first.lines.map(({ line }) => line)).toEqual([4, 5, 6, 9, 10, 11])
  expect(numbers).toEqual([4, 5, 6, 9, 10, 11, 14, 15, 16, 19, 20, 21, 24, 25, 26, 29, 30])
  expect(rest.next).toBeNull()
})

test('a search that its limit stopped in the last piece, which no line break ends, says where to go on', async () => {
  await write('loss nan\r'.repeat(30))

  const first = await grep('nan', { limit: 10 })
  const rest = await grep('nan', { limit: 100, ...first.next })

  expect(first.lines).toHaveLength(10)
  expect(first.next).toMatchObject({ line: 11 })
  expect(rest.lines).toHaveLength(20)
})

test('a large log is searched to its end', async () => {
  const line = `${'x'.repeat(99)}\n`
  for (let part = 0; part < 30; part++) await write(line.repeat(10_000))
  await write('needle\n')

  expect((await grep('needle')).lines).toEqual([{ line: 300_001, offset: 30_000_000, text: 'needle', isMatch: true }])
})

test('a long line is searched to its end, and shown where it matches', async () => {
  await write(`${'x'.repeat(9_000)} loss nan ${'y'.repeat(9_000)} end\nnext\n`)

  const [found] = (await grep('nan')).lines
  const cut = await grep('x$')

  expect(found).toMatchObject({ line: 1, offset: 0 })
  expect(found?.text).toMatch(/^…x{990,1000} loss nan y{2900,3000}…$/)
  expect((await grep('end$')).lines).toMatchObject([{ line: 1, text: expect.stringMatching(/y end$/) }])
  expect(cut.lines).toEqual([])
  expect((await grep('next')).lines).toMatchObject([{ line: 2 }])
})

test('lines are numbered as they stand in the log, however long they are', async () => {
  await write(`${'x'.repeat(900 << 10)}\n${'y'.repeat(900 << 10)}\n${'z'.repeat(3 << 20)} nan\nlast\n`)

  expect((await grep('^y+$|nan|last')).lines.map(({ line }) => line)).toEqual([2, 3, 4])
})

test('states of a bar that no line break ends are each found whole, and once', async () => {
  const bar = Array.from(
    { length: 60_000 },
    (_, at) => `step ${String(at).padStart(6, '0')} of 60000 with a loss\r`,
  ).join('')
  await write(`first\n${bar}\nlast\n`)

  expect((await grep('^step 0[0-9]{5} of 60000 with a loss$', { limit: 100_000 })).lines).toHaveLength(60_000)
  expect((await grep('last')).lines).toMatchObject([{ line: 60_002 }])
})

test('a pattern that would take for ever is refused with what to do, and nothing else waits for it', async () => {
  await write(`${'a'.repeat(60)}!\n`)

  const slow = grep('(a+)+$')
  const quick = await grep('!$')

  expect(quick.lines).toHaveLength(1)
  await expect(slow).rejects.toThrow('Write it without a repetition inside a repetition')
})

test('what is no regular expression is refused by its reason', async () => {
  await expect(grep('(')).rejects.toThrow('"(" is not a regular expression')
})
