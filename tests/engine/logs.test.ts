import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { followLog, readLog } from '../../src/engine/logs.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidegate-log-'))
})
afterEach(() => rm(folder, { recursive: true }))

const write = (text: string) => appendFile(join(folder, 'log'), text)
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

test('a log is read by offset, at most as much as asked for', async () => {
  await write('0123456789')

  expect(text((await readLog(folder, 3, 4)).bytes)).toBe('3456')
  expect(text((await readLog(folder, 8, 100)).bytes)).toBe('89')
  expect((await readLog(folder, 50, 100)).bytes).toHaveLength(0)
})

test('an attempt that has printed nothing has an empty log', async () => {
  expect((await readLog(folder, 0, 100)).bytes).toHaveLength(0)
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
  for await (const piece of followLog(folder, 3, hasEnded, new AbortController().signal)) {
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
  const follower = followLog(folder, 0, async () => false, stop.signal)
  const next = follower.next()
  stop.abort()

  expect(await next).toMatchObject({ done: true })
})
