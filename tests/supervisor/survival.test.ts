import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ATTEMPT_MARK, type SupervisorClaim } from '../../src/core/attempt-files.ts'
import { openLocalExecutor } from '../../src/drivers/executor/local/local-executor.ts'
import { hasInEnvironment, listProcesses } from '../../src/lib/processes.ts'
import { isDead, openAttemptPlace, readLog, until, untilFile, type AttemptPlace } from './attempt-place.ts'
import { observeOne, untilEnded, untilKind } from '../contract/executor.ts'
import type { AttemptOrder } from '../../src/core/ports/executor.ts'

let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
})

afterAll(() => place[Symbol.asyncDispose]())

const STARTER = new URL('./starter.ts', import.meta.url).pathname
const UNTIL_GO =
  'echo $$ > pid; for i in 1 2 3; do echo line $i; done; while [ ! -e go ]; do sleep 0.05; done; echo after; echo model > out'

/** Runs the starter until it has submitted, and kills it at once. */
async function submitFromDyingServer(...orders: AttemptOrder[]): Promise<void> {
  await dieAfterSubmitting(orders, [])
}

async function dieAfterSubmitting(orders: readonly AttemptOrder[], words: readonly string[]): Promise<void> {
  const ordersFile = join(place.folder, 'starter-orders.json')
  writeFileSync(ordersFile, JSON.stringify(orders))
  const child = spawn(process.execPath, [STARTER, join(place.folder, 'executor'), ordersFile, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('a command whose server is killed goes on as the same process, and its record is complete', async () => {
  const order = place.order(UNTIL_GO, { outs: ['out'] })
  await submitFromDyingServer(order)
  const pid = Number(await untilFile(join(order.workspace, 'pid')))
  const startTicks = ticksOf(pid)

  await untilKind(place.executor, order.attemptFolder, 'running')
  await place.executor.submit(order, {})
  expect(await observeOne(place.executor, order.attemptFolder)).toMatchObject({ kind: 'running', pid })
  expect(ticksOf(pid)).toBe(startTicks)
  writeFileSync(join(order.workspace, 'go'), '')

  const record = await untilEnded(place.executor, order.attemptFolder)
  expect(record).toMatchObject({ outcome: 'succeeded', exitCode: 0 })
  expect(Object.keys(record.outs)).toEqual(['out'])
  expect(readLog(order)).toBe('line 1\nline 2\nline 3\nafter\n')
  expect(await place.executor.listOwned()).toContain(order.attemptFolder)
})

test('wherever a supervisor is killed, the attempt is either whole or gone, and nothing of it lives', async () => {
  const inputs = await Promise.all(Array.from({ length: 300 }, (_, at) => place.file(`in/${at}`, `content ${at}`)))
  const run = '(setsid sleep 1000 &) ; for i in 1 2 3; do echo $i; sleep 0.03; done; head -c 5000000 /dev/zero > out'

  for (const delayMs of [0, 5, 10, 15, 25, 40, 60, 90, 120, 150, 180, 210, 240, 300]) {
    const order = place.order(run, { inputs, outs: ['out'] })
    await place.executor.submit(order, {})
    await until(() => existsSync(join(order.attemptFolder, 'claim.json')))
    await sleep(delayMs)
    killIfAlive(claimOf(order).supervisor.pid)

    const end = await untilKind(place.executor, order.attemptFolder, 'ended', 'gone')

    expect(marked(order.attemptFolder)).toEqual([])
    if (end.kind === 'ended') {
      expect(end.record.outcome).toBe('succeeded')
      expect(await place.store.has(end.record.outs['out']!.digest)).toBe(5_000_000)
      expect(readLog(order)).toBe('1\n2\n3\n')
    }
  }
})

test('an attempt that is given to a supervisor which has just died goes to another one', async () => {
  const first = place.order('echo first')
  await place.executor.submit(first, {})
  await untilEnded(place.executor, first.attemptFolder)
  // Whoever waits for work: nobody has heard of their death when the next attempt is given away.
  for (const pid of supervisors()) process.kill(pid, 'SIGKILL')
  const order = place.order('echo ran')
  await place.executor.submit(order, {})

  const record = await untilEnded(place.executor, order.attemptFolder)

  expect(record).toMatchObject({ outcome: 'succeeded', attemptId: order.attemptId })
  expect(readLog(order)).toBe('ran\n')
})

test('a spare supervisor ends when its server is killed', async () => {
  const order = place.order('true')
  const before = supervisors()
  await submitFromDyingServer(order)
  await untilEnded(place.executor, order.attemptFolder)

  await until(() => supervisors().every((pid) => before.includes(pid)))
})

test('a supervisor that has served ends when its server is killed, and one that serves again ends with its attempt', async () => {
  const [first, second] = [place.order('true'), place.order(UNTIL_GO, { outs: ['out'] })]
  const before = supervisors()
  await submitFromDyingServer(first, second)
  await untilFile(join(second.workspace, 'pid'))
  await until(() => supervisors().filter((pid) => !before.includes(pid)).length === 1)
  expect(supervisors()).toContain(claimOf(second).supervisor.pid)
  writeFileSync(join(second.workspace, 'go'), '')

  const record = await untilEnded(place.executor, second.attemptFolder)

  expect(record).toMatchObject({ outcome: 'succeeded', attemptId: second.attemptId })
  expect(readLog(second)).toBe('line 1\nline 2\nline 3\nafter\n')
  await until(() => supervisors().every((pid) => before.includes(pid)))
})

test('an order whose server died before it started anything is started by the next one, once', async () => {
  const order = place.order('echo ran')
  mkdirSync(order.attemptFolder, { recursive: true })
  writeFileSync(join(order.attemptFolder, 'order.json'), JSON.stringify(order))
  expect((await observeOne(place.executor, order.attemptFolder)).kind).toBe('starting')

  await using other = openLocalExecutor({ folder: join(place.folder, 'executor'), spares: 0 })
  await Promise.all([place.executor.submit(order, {}), other.submit(order, {}), place.executor.submit(order, {})])

  await untilEnded(place.executor, order.attemptFolder)
  expect(readLog(order)).toBe('ran\n')
})

test('an order that nobody starts is given up after a while, and a supervisor that comes later leaves it alone', async () => {
  const order = place.order('echo ran')
  mkdirSync(order.attemptFolder, { recursive: true })
  const orderFile = join(order.attemptFolder, 'order.json')
  writeFileSync(orderFile, JSON.stringify(order))
  const longAgo = new Date(Date.now() - 3_600_000)
  utimesSync(orderFile, longAgo, longAgo)

  expect((await observeOne(place.executor, order.attemptFolder)).kind).toBe('gone')
  await place.executor.submit(order, {})

  expect((await observeOne(place.executor, order.attemptFolder)).kind).toBe('gone')
  expect(existsSync(join(order.attemptFolder, 'log'))).toBe(false)
})

test('an attempt that its server had not confirmed when it was killed runs once: the next server finds it', async () => {
  const order = place.order('echo ran')

  await dieAfterSubmitting([order], ['unconfirmed'])
  await place.executor.submit(order, {})

  expect(await untilEnded(place.executor, order.attemptFolder)).toMatchObject({ outcome: 'succeeded' })
  expect(readLog(order)).toBe('ran\n')
})

test.each(['claim.json', 'done.json', 'order.json'])(
  'of %s a power cut may leave the name alone: then it counts as never written',
  async (name) => {
    const order = place.order('true')
    await place.executor.submit(order, {})
    await untilEnded(place.executor, order.attemptFolder)
    for (const file of ['claim.json', 'done.json']) rmSync(join(order.attemptFolder, file))
    const nobody: SupervisorClaim = { supervisor: { pid: 0, startTicks: '0' }, startedAt: 0 }
    if (name !== 'claim.json') writeFileSync(join(order.attemptFolder, 'claim.json'), JSON.stringify(nobody))
    writeFileSync(join(order.attemptFolder, name), '')
    const longAgo = new Date(Date.now() - 3_600_000)
    if (name !== 'order.json') utimesSync(join(order.attemptFolder, 'order.json'), longAgo, longAgo)

    await place.executor.submit(order, {})

    expect(await observeOne(place.executor, order.attemptFolder)).toEqual({ kind: 'gone' })
    await place.executor.forget(order.attemptFolder)
    expect(readdirSync(order.attemptFolder).filter((left) => left.endsWith('.json'))).toEqual([])
  },
)

test('an attempt folder is not given to a second attempt', async () => {
  const { order } = await place.run('true')

  const other = { ...order, attemptId: 'project#2/step/1' }

  await expect(place.executor.submit(other, {})).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
})

test('forgetting keeps the log and removes workspace and control files, whatever modes the command left', async () => {
  const { order } = await place.run('echo kept; mkdir -p a/b; touch a/b/c; chmod 500 a/b a')

  await place.executor.forget(order.attemptFolder)

  expect(readdirSync(order.attemptFolder)).toEqual(['log', 'log.times'])
  expect(existsSync(order.workspace)).toBe(false)
})

test('a record that is there counts, even when the supervisor was killed after it', async () => {
  const { order, record } = await place.run('true')
  rmSync(order.workspace, { recursive: true, force: true })

  expect(await observeOne(place.executor, order.attemptFolder)).toEqual({ kind: 'ended', record })
  const { supervisor } = claimOf(order)
  killIfAlive(supervisor.pid)
  await until(() => isDead(supervisor.pid))
  expect(await observeOne(place.executor, order.attemptFolder)).toEqual({ kind: 'ended', record })
})

function claimOf(order: AttemptOrder): SupervisorClaim {
  return JSON.parse(readFileSync(join(order.attemptFolder, 'claim.json'), 'utf8'))
}

function killIfAlive(pid: number): void {
  if (!isDead(pid)) process.kill(pid, 'SIGKILL')
}

function marked(attemptFolder: string): number[] {
  return listProcesses()
    .filter((row) => hasInEnvironment(row.pid, ATTEMPT_MARK, attemptFolder))
    .map((row) => row.pid)
}

function ticksOf(pid: number): string | undefined {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
}

/** Supervisors whose stderr goes to this place's executor folder. */
function supervisors(): number[] {
  const log = join(place.folder, 'executor/supervisors.log')
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => !isDead(pid) && linkOf(`/proc/${pid}/fd/2`) === log)
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
