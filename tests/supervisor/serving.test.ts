import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { isDead, openAttemptPlace, until, untilFile, type AttemptPlace } from './attempt-place.ts'
import { observeOne, untilEnded, untilKind } from '../contract/executor.ts'
import type { SupervisorClaim } from '../../src/core/attempt-files.ts'
import type { AttemptOrder } from '../../src/core/ports/executor.ts'

/** One supervisor serves attempts one after another; each is as if it had one of its own. */
let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
  await untilCompiled(place)
})

afterAll(() => place[Symbol.asyncDispose]())

/** The first supervisor after a change of our sources serves one attempt only. */
async function untilCompiled(at: AttemptPlace): Promise<void> {
  for (let before = 0, pid = -1; pid !== before;) {
    before = pid
    pid = pidOf((await at.run('true')).order)
  }
}

test('attempts that follow one another are served by one process, each with its own log, secrets and environment', async () => {
  const first = await place.run(
    'echo first $TOKEN $ONLY; exit 3',
    { env: { ...PATH, ONLY: 'first' } },
    { TOKEN: SECRET },
  )
  const second = await servedBy(pidOf(first.order), `echo second \${TOKEN-none} \${ONLY-none} ${SECRET}`)
  const third = await servedBy(pidOf(first.order), 'kill -9 $$')

  expect(first).toMatchObject({ record: { reason: 'exit', exitCode: 3 } })
  expect(first.log).toContain('first *** first\n')
  expect(second).toMatchObject({ record: { outcome: 'succeeded' }, log: `second none none ${SECRET}\n` })
  expect(third.record).toMatchObject({ reason: 'signal', signal: 'SIGKILL' })
})

test('a supervisor that is killed at its second attempt loses that one, and the first stays as it ended', async () => {
  const first = await place.run('echo one')
  const second = await startedBy(pidOf(first.order))

  process.kill(pidOf(second), 'SIGKILL')

  expect((await untilKind(place.executor, second.attemptFolder, 'gone', 'ended')).kind).toBe('gone')
  expect(await observeOne(place.executor, first.order.attemptFolder)).toEqual({ kind: 'ended', record: first.record })
  expect((await place.run('echo three')).record.outcome).toBe('succeeded')
})

test('an attempt that left somebody holding its output is the last one its supervisor serves', async () => {
  // It also leaves the attempt's control groups, where there are any: root may.
  const leave = 'for group in memory/ pids/ ""; do echo $$ > /sys/fs/cgroup/${group}cgroup.procs; done 2> /dev/null'
  const hidden = `(env -i setsid sh -c '${leave}; echo $$ > hidden; exec sleep 600' &) ; while [ ! -s hidden ]; do sleep 0.01; done`
  const first = await place.run(hidden)
  const pid = Number(await untilFile(join(first.order.workspace, 'hidden')))

  await until(() => isDead(pidOf(first.order)))
  process.kill(pid, 'SIGKILL')
  const second = await place.run('echo next')

  expect(pidOf(second.order)).not.toBe(pidOf(first.order))
  expect(second.log).toBe('next\n')
})

test('a supervisor for which Node compiled our sources serves one attempt, and those after it find them compiled', async () => {
  vi.stubEnv('NODE_COMPILE_CACHE', '')
  await using fresh = await openAttemptPlace()
  const [first, second] = [await fresh.run('true'), await fresh.run('true')]
  await untilCompiled(fresh)
  vi.unstubAllEnvs()

  expect(pidOf(second.order)).not.toBe(pidOf(first.order))
})

test('cancelling an attempt ends it and not its supervisor', async () => {
  const first = place.order('sleep 600')
  await place.executor.submit(first, {})
  await untilKind(place.executor, first.attemptFolder, 'running')

  await place.executor.cancel(first.attemptFolder, 100)

  expect((await untilEnded(place.executor, first.attemptFolder)).outcome).toBe('cancelled')
  expect((await servedBy(pidOf(first), 'echo next')).log).toBe('next\n')
})

const SECRET = 'correct-horse-battery'
const PATH = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' }

/** It may not be ready yet when the next attempt comes: then another one serves, and they take turns. */
async function servedBy(pid: number, run: string) {
  for (;;) {
    const made = await place.run(run, { env: PATH })
    if (pidOf(made.order) === pid) return made
  }
}

async function startedBy(pid: number): Promise<AttemptOrder> {
  for (;;) {
    const order = place.order('sleep 600')
    await place.executor.submit(order, {})
    await untilKind(place.executor, order.attemptFolder, 'running')
    if (pidOf(order) === pid) return order
    await place.executor.cancel(order.attemptFolder, 0)
    await untilEnded(place.executor, order.attemptFolder)
  }
}

function pidOf(order: AttemptOrder): number {
  const claim = JSON.parse(readFileSync(join(order.attemptFolder, 'claim.json'), 'utf8')) as SupervisorClaim
  return claim.supervisor.pid
}
