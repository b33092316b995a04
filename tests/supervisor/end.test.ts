import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isDead, openAttemptPlace, until, untilFile, type AttemptPlace } from './attempt-place.ts'
import { untilEnded, untilKind } from '../contract/executor.ts'

let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
})

afterAll(() => place[Symbol.asyncDispose]())

/** Ignores TERM, and leaves a grandchild in a session of its own that ignores it too. */
const STUBBORN = `
trap '' TERM
(setsid sh -c 'trap "" TERM; echo $$ > away; while true; do sleep 1; done' &)
echo $$ > self
while true; do sleep 1; done`

test('a command that ignores TERM and forks away is dead after cancel, with everything it started', async () => {
  const order = place.order(STUBBORN)
  const handle = await place.executor.submit(order, {})
  const pids = [await untilFile(join(order.workspace, 'self')), await untilFile(join(order.workspace, 'away'))].map(
    Number,
  )

  await place.executor.cancel(handle, 200)

  expect(await untilEnded(place.executor, handle)).toMatchObject({ outcome: 'cancelled', signal: 'SIGKILL' })
  expect(pids.map(isDead)).toEqual([true, true])
})

test('a cancelled command may clean up in its grace', async () => {
  const order = place.order(
    `trap 'echo cleaning; sleep 0.2; echo clean; exit 0' TERM; echo up > up; while true; do sleep 0.05; done`,
  )
  const handle = await place.executor.submit(order, {})
  await untilFile(join(order.workspace, 'up'))

  await place.executor.cancel(handle, 20_000)

  expect(await untilEnded(place.executor, handle)).toMatchObject({ outcome: 'cancelled', exitCode: 0 })
  expect(readFileSync(join(order.attemptFolder, 'log'), 'utf8')).toMatch(
    /cleaning\nclean\n\[tidegate\] It was cancelled\.\n$/,
  )
})

test('what is cancelled before it has started never starts', async () => {
  const order = place.order('echo ran')
  mkdirSync(order.attemptFolder, { recursive: true })
  writeFileSync(join(order.attemptFolder, 'order.json'), JSON.stringify(order))
  await place.executor.cancel(order.attemptFolder, 100)

  await place.executor.submit(order, {})

  expect((await untilEnded(place.executor, order.attemptFolder)).outcome).toBe('cancelled')
  expect(readFileSync(join(order.attemptFolder, 'log'), 'utf8')).toBe('[tidegate] It was cancelled.\n')
})

test('what a command leaves running does not outlive it, nor hold up its end', async () => {
  const { order, record } = await place.run(`
    sleep 1000 & echo $! > child
    (setsid sh -c 'echo $$ > away; exec sleep 1000' &)
    while [ ! -s away ]; do sleep 0.01; done; echo done`)

  const pids = ['child', 'away'].map((name) => Number(readFileSync(join(order.workspace, name), 'utf8')))
  expect(record.outcome).toBe('succeeded')
  expect(pids.map(isDead)).toEqual([true, true])
})

test('a process that hides its environment is found by its parent', async () => {
  const { order } = await place.run(`
    (setsid sh -c 'env -i setsid sleep 1000 & echo $! > hidden; echo $$ > away; wait' &)
    while [ ! -s away ]; do sleep 0.01; done; sleep 0.1`)

  const [hidden, away] = ['hidden', 'away'].map((name) => Number(readFileSync(join(order.workspace, name), 'utf8')))
  expect([isDead(away!), isDead(hidden!)]).toEqual([true, true])
})

test('whatever ends a command, its log has every line that it had printed', async () => {
  const lines = Array.from({ length: 20_000 }, (_, at) => `${at + 1}\n`).join('')
  const killed = await place.run('seq 20000; kill -9 $$')
  const silent = await place.run('seq 20000; sleep 1000', { silenceTimeoutMs: 3_000, graceMs: 100 })
  const order = place.order('seq 20000; echo printed > printed; sleep 1000')
  const handle = await place.executor.submit(order, {})
  await untilFile(join(order.workspace, 'printed'))
  await place.executor.cancel(handle, 100)
  const cancelled = await untilEnded(place.executor, handle)

  expect([killed.record.reason, silent.record.reason, cancelled.outcome]).toEqual(['signal', 'silence', 'cancelled'])
  const logs = [killed.log, silent.log, readFileSync(join(order.attemptFolder, 'log'), 'utf8')]
  for (const log of logs) expect(log.slice(0, log.indexOf('[tidegate]'))).toBe(lines)
})

test('a command over its timeout is ended, and the record says timeout', async () => {
  const { record, log } = await place.run('sleep 1000', { timeoutMs: 300, graceMs: 100 })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'timeout' })
  expect(log).toContain('[tidegate] It ran longer than its timeout of 300 ms.\n')
})

test('a command that prints nothing for too long is ended, one that prints on is not', async () => {
  const silent = await place.run('echo begun; sleep 1000', { silenceTimeoutMs: 300, graceMs: 100 })
  const chatty = await place.run('for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.25; done', {
    silenceTimeoutMs: 2_000,
  })

  expect(silent.record).toMatchObject({ outcome: 'failed', reason: 'silence' })
  expect(chatty.record.outcome).toBe('succeeded')
})

test('a command that eats memory is ended, and the record says so', async () => {
  const hog = `python3 -c "
import time
block = bytearray(300_000_000)
for i in range(0, len(block), 4096): block[i] = 1
time.sleep(1000)"`

  const { record } = await place.run(hog, { memoryBytes: 200_000_000, graceMs: 100 })

  expect(record).toMatchObject({ outcome: 'failed', reason: 'out-of-memory' })
  expect(record.message).toMatch(/of 191 MiB/)
})

test('memory shared by forked workers is counted once', async () => {
  const workers = `python3 -c "
import os, time
block = bytearray(100_000_000)
for i in range(0, len(block), 4096): block[i] = 1
for _ in range(3):
    if os.fork() == 0: time.sleep(1.5); os._exit(0)
time.sleep(1.5)"`

  const { record } = await place.run(workers, { memoryBytes: 200_000_000 })

  expect(record.outcome).toBe('succeeded')
})

test('a signal that is not ours is told from an exit code', async () => {
  const { record } = await place.run('kill -SEGV $$')

  expect(record).toMatchObject({ outcome: 'failed', reason: 'signal', signal: 'SIGSEGV' })
})

test('a failing line ends the script', async () => {
  const { record, log } = await place.run('echo one\nfalse\necho two')

  expect(record).toMatchObject({ outcome: 'failed', reason: 'exit', exitCode: 1 })
  expect(log).not.toContain('two')
})

test('a supervisor that is killed is seen as gone, and nothing of its attempt lives on', async () => {
  const order = place.order(STUBBORN)
  const handle = await place.executor.submit(order, {})
  const pids = [await untilFile(join(order.workspace, 'self')), await untilFile(join(order.workspace, 'away'))].map(
    Number,
  )

  process.kill(claimOf(order.attemptFolder).supervisor.pid, 'SIGKILL')

  await untilKind(place.executor, handle, 'gone')
  expect(pids.map(isDead)).toEqual([true, true])
  expect(existsSync(join(order.attemptFolder, 'done.json'))).toBe(false)
})

test('cancel ends the command of a supervisor that was killed', async () => {
  const order = place.order(STUBBORN)
  const handle = await place.executor.submit(order, {})
  const pid = Number(await untilFile(join(order.workspace, 'away')))
  const { supervisor } = claimOf(order.attemptFolder)
  process.kill(supervisor.pid, 'SIGKILL')
  await until(() => isDead(supervisor.pid))

  await place.executor.cancel(handle, 100)

  expect(isDead(pid)).toBe(true)
})

function claimOf(folder: string): { supervisor: { pid: number } } {
  return JSON.parse(readFileSync(join(folder, 'claim.json'), 'utf8')) as never
}
