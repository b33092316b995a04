import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import type { GatewayStatus, HostSpec, Route } from '../../src/core/route-table.ts'
import { startGateway } from '../../src/serving/gateway-process.ts'
import { startTicksOf } from '../../src/serving/model-host/process-tree.ts'
import { freePorts } from '../../src/supervisor/service-readiness.ts'
import { temporaryFolder } from '../source/git-place.ts'
import { arm, ask, hostSpec, openTestGateway, putRoutes, route, table, type TestGateway } from './serving-place.ts'
import { startLoad, type Answered } from './steady-load.ts'

const BOTH = [hostSpec('one', 'one'), hostSpec('two', 'two')]
const HANGS = {
  inputs: [
    { name: 'x', datatype: 'FP32' as const, shape: [1] },
    { name: 'rounds', datatype: 'INT64' as const, shape: [] },
  ],
  outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [1] }],
  columns: {},
  answer: { prediction: 'y' },
}

test('route tables replaced 20 times under load fail no request', async () => {
  await using gateway = await openTestGateway()
  await putRoutes(gateway, BOTH, [split(0)])
  const load = startLoad(gateway.base, 200)

  for (let i = 0; i < 20; i++) {
    const extra = i % 2 === 0 ? [hostSpec(`extra-${i}`, 'one')] : []
    await post(gateway, [...BOTH, ...extra], [split((i % 5) / 4, `e${i}`)])
    await sleep(50)
  }

  const answers = await load.stop()
  expect(answers.length).toBeGreaterThan(100)
  expect(failures(answers)).toEqual([])
})

test('a rollback is in force when it is acknowledged: no later request sees the challenger, none fails', async () => {
  await using gateway = await openTestGateway()
  await putRoutes(gateway, BOTH, [split(0.5)])
  const load = startLoad(gateway.base, 200)
  await sleep(700)

  await post(gateway, BOTH, [split(0)])
  const acknowledged = performance.now()
  await sleep(300)

  const answers = await load.stop()
  expect(failures(answers)).toEqual([])
  expect(answers.filter((answer) => answer.version === '2' && answer.sentAt > acknowledged)).toEqual([])
  expect(answers.some((answer) => answer.version === '2')).toBe(true)
})

test('a gateway that somebody started a moment before, and that has the port, is taken over', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder()).path
  const order = { folder, host: '127.0.0.1', port: (await freePorts(1))[0] ?? 0 }

  const [one, other] = await Promise.all([startGateway(order), startGateway(order)])
  stack.defer(() => one.stop())
  stack.use(other)

  expect(other.pid).toBe(one.pid)
  expect(other.address).toBe(`http://127.0.0.1:${order.port}`)
})

test('a gateway keeps its program compiled for the next one, in its folder or where NODE_COMPILE_CACHE says', async () => {
  await using stack = new AsyncDisposableStack()
  const [own, elsewhere, shared] = await Promise.all([1, 2, 3].map(async () => stack.use(await temporaryFolder()).path))
  stack.defer(() => void vi.unstubAllEnvs())
  const startAndStop = async (folder = '', variable = '') => {
    vi.stubEnv('NODE_COMPILE_CACHE', variable)
    await (await startGateway({ folder, host: '127.0.0.1', port: 0 })).stop()
  }

  await startAndStop(own)
  await startAndStop(elsewhere, shared)

  expect(await readdir(join(own ?? '', 'compile-cache'))).toHaveLength(1)
  expect(await readdir(elsewhere ?? '')).not.toContain('compile-cache')
  expect(await readdir(shared ?? '')).toHaveLength(1)
})

test('growing weight moves keys to the challenger, never back, in its proportion', async () => {
  await using gateway = await openTestGateway()
  await putRoutes(gateway, BOTH, [split(0)])
  const seen: Set<string>[] = []

  for (const weight of [0.1, 0.4, 1]) {
    await post(gateway, BOTH, [split(weight)])
    const load = startLoad(gateway.base, 1_000)
    await sleep(700)
    const answers = await load.stop()
    seen.push(new Set(answers.filter((answer) => answer.version === '2').map((answer) => answer.key)))
  }

  const [small = new Set(), middle = new Set(), all = new Set()] = seen
  expect(small.size).toBeGreaterThan(20)
  expect(small.size).toBeLessThan(90)
  expect([...small].every((key) => middle.has(key))).toBe(true)
  expect([...middle].every((key) => all.has(key))).toBe(true)
})

test('killing the host of the challenger costs what it had under way, and the champion nothing', async () => {
  await using gateway = await openTestGateway()
  await putRoutes(gateway, BOTH, [split(0.5)])
  const load = startLoad(gateway.base, 200)
  await sleep(400)

  process.kill(await pidOf(gateway, 'two'), 'SIGKILL')
  await expect.poll(async () => (await hostOf(gateway, 'two')).restarts).toBe(1)
  await gateway.control.untilReady(['two'], 10_000)
  await sleep(200)

  const answers = await load.stop()
  const failed = failures(answers)
  expect(failed.filter((answer) => answer.arm !== 'challenger')).toEqual([])
  expect(failed.length).toBeLessThanOrEqual(8)
  expect(answers.at(-1)?.status).toBe(200)
})

test('killing the only host of a model costs what it had under way: the others wait for the next one', async () => {
  await using gateway = await openTestGateway()
  await putRoutes(gateway, [hostSpec('one', 'one')], [route([arm('champion', 'one', '1', 1)])])
  const load = startLoad(gateway.base, 100)
  await sleep(300)

  process.kill(await pidOf(gateway, 'one'), 'SIGKILL')
  await expect.poll(async () => (await hostOf(gateway, 'one')).restarts).toBe(1)
  await gateway.control.untilReady(['one'], 10_000)

  expect(failures(await load.stop()).length).toBeLessThanOrEqual(8)
})

test('a model that hangs is replaced when its time is up, and its neighbour does not notice', async () => {
  await using gateway = await openTestGateway({ args: ['--infer-timeout-ms', '600'] })
  const hosts = [hostSpec('one', 'one'), hostSpec('hangs', 'hangs-in-run', { signature: HANGS })]
  await putRoutes(gateway, hosts, [
    split(0, 'e1', 'one'),
    route([arm('champion', 'hangs', '1', 1)], { model: 'hangs', epoch: 'hangs' }),
  ])
  const load = startLoad(gateway.base, 100)
  const endless = {
    inputs: [
      { name: 'x', shape: [1], datatype: 'FP32', data: [1] },
      { name: 'rounds', shape: [], datatype: 'INT64', data: [2 ** 52] },
    ],
  }

  const hung = await fetch(`${gateway.base}/v2/models/hangs/infer`, { method: 'POST', body: JSON.stringify(endless) })

  expect([hung.status, await hung.json()]).toEqual([
    504,
    { error: expect.stringContaining('did not answer within 0.6 s') },
  ])
  await gateway.control.untilReady(['hangs'], 10_000)
  expect((await hostOf(gateway, 'hangs')).restarts).toBe(1)
  expect(failures(await load.stop())).toEqual([])
  expect((await gateway.control.status()).counters.find((counter) => counter.errors > 0)).toMatchObject({
    errors: 1,
    requests: 1,
  })
})

test('a host that dies three times within a minute has failed, with the reason, and its users are with the champion', async () => {
  await using gateway = await openTestGateway()
  await putRoutes(gateway, BOTH, [split(1)])

  for (let crash = 0; crash < 3; crash++) {
    await gateway.control.untilReady(['two'], 10_000)
    process.kill(await pidOf(gateway, 'two'), 'SIGKILL')
    await expect.poll(async () => (await hostOf(gateway, 'two')).restarts, { timeout: 5_000 }).toBe(crash + 1)
  }

  expect(await hostOf(gateway, 'two')).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining('killed by SIGKILL'),
  })
  expect((await ask(gateway.base)).headers.get('tidegate-version')).toBe('1')
})

test('a host that cannot load its model fails with the reason and harms nobody', async () => {
  await using gateway = await openTestGateway()
  await putRoutes(gateway, [BOTH[0]!], [split(0, 'e1', 'one')])

  await post(gateway, [BOTH[0]!, hostSpec('broken', 'not-a-model')], [split(0, 'e1', 'one')])

  await expect(gateway.control.untilReady(['broken'], 10_000)).rejects.toThrow('does not load as an ONNX model')
  expect((await ask(gateway.base)).status).toBe(200)
})

test('more requests than may wait are answered 503 with a time to come back, the rest with a prediction', async () => {
  await using gateway = await openTestGateway({ args: ['--host-queue', '8', '--infer-timeout-ms', '1000'] })
  await putRoutes(
    gateway,
    [hostSpec('hangs', 'hangs-in-run', { signature: HANGS })],
    [route([arm('champion', 'hangs', '1', 1)])],
  )
  const slow = {
    inputs: [
      { name: 'x', shape: [1], datatype: 'FP32', data: [1] },
      { name: 'rounds', shape: [], datatype: 'INT64', data: [2 ** 52] },
    ],
  }

  const answers = await Promise.all(Array.from({ length: 40 }, () => ask(gateway.base, slow)))

  const refused = answers.filter((answer) => answer.status === 503)
  expect(refused.length).toBeGreaterThanOrEqual(20)
  expect(refused[0]?.headers.get('retry-after')).toBe('1')
  expect(await refused[0]?.json()).toEqual({ error: expect.stringContaining('requests waiting') })
})

test('counters count requests, errors and latencies by epoch and arm', async () => {
  await using gateway = await openTestGateway()
  await putRoutes(gateway, BOTH, [split(0, 'first')])
  for (let i = 0; i < 5; i++) await ask(gateway.base)
  await ask(gateway.base, {})
  await post(gateway, BOTH, [split(1, 'second')])
  for (let i = 0; i < 3; i++) await ask(gateway.base)

  const { counters } = await gateway.control.status()

  const find = (epoch: string, name: string): GatewayStatus['counters'][number] | undefined =>
    counters.find((counter) => counter.epoch === epoch && counter.arm === name)
  expect(find('first', 'champion')).toMatchObject({ requests: 5, errors: 0, inFlight: 0, version: '1' })
  expect(find('second', 'challenger')).toMatchObject({ requests: 3, errors: 0 })
  expect(find('second', 'champion')).toMatchObject({ requests: 0 })
  expect(find('first', 'champion')?.latency.reduce((sum, count) => sum + count)).toBe(5)
})

test('an older table than the one in force is refused, and one that names a missing host changes nothing', async () => {
  await using gateway = await openTestGateway()
  await putRoutes(gateway, BOTH, [split(0)])

  await expect(gateway.control.postRoutes(table(1, [], []))).rejects.toMatchObject({ code: 'STATE_CONFLICT' })
  await expect(post(gateway, [], [split(0)])).rejects.toMatchObject({ code: 'INVALID_INPUT' })

  expect((await ask(gateway.base)).status).toBe(200)
})

test('a gateway that is killed is started again on its port and serves its last routes, with no old host left', async () => {
  await using gateway = await openTestGateway()
  await putRoutes(gateway, BOTH, [split(0)])
  const { pid } = gateway.control
  const before = await pidOf(gateway, 'one')

  process.kill(pid, 'SIGKILL')

  await expect.poll(async () => (await ask(gateway.base).catch(() => undefined))?.status, { timeout: 20_000 }).toBe(200)
  expect(gateway.control.pid).not.toBe(pid)
  expect(await pidOf(gateway, 'one')).not.toBe(before)
  await expect.poll(() => startTicksOf(before)).toBeUndefined()
})

test('a server that comes back adopts the gateway that served meanwhile', async () => {
  await using gateway = await openTestGateway()
  await putRoutes(gateway, BOTH, [split(0)])

  await using again = await startGateway({ folder: gateway.folder, host: '127.0.0.1', port: 0 })

  expect(again.pid).toBe(gateway.control.pid)
  expect(again.address).toBe(gateway.control.address)
  expect((await again.status()).revision).toBe(2)
})

test('a gateway that is told to end answers what it has, then is gone with its hosts', async () => {
  await using gateway = await openTestGateway({ args: ['--deregister-ms', '300'] })
  await putRoutes(gateway, BOTH, [split(0)])
  const host = await pidOf(gateway, 'one')
  const load = startLoad(gateway.base, 200)
  await sleep(200)

  process.kill(gateway.control.pid, 'SIGTERM')
  await expect.poll(async () => (await fetch(`${gateway.base}/v2/health/ready`)).status).toBe(503)
  const answers = await load.stop()
  await gateway.control.stop()

  expect(failures(answers)).toEqual([])
  expect(startTicksOf(host)).toBeUndefined()
})

test('a gateway that was stopped stays so, though somebody still asks for it', async () => {
  await using gateway = await openTestGateway()
  const { control } = gateway
  const { pid } = control
  const stopped = control.stop()
  const asking = Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => sleep(index * 5).then(() => control.status())),
  )

  await stopped
  await asking

  await expect(control.status()).rejects.toThrow()
  expect(control.pid).toBe(pid)
})

test('a gateway in a folder too deep for a socket path works all the same', async () => {
  await using gateway = await openTestGateway()
  const deep = join(gateway.folder, 'd'.repeat(60), 'e'.repeat(60))

  const control = await startGateway({ folder: deep, host: '127.0.0.1', port: 0 })

  expect((await control.status()).revision).toBe(0)
  await control.stop()
})

/** Champion `one` (version 1) and challenger `two` (version 2), the latter with this share. */
function split(weight: number, epoch = 'e1', only?: string): Route {
  const champion = arm('champion', 'one', '1', 1 - weight)
  return route(only === undefined ? [champion, arm('challenger', 'two', '2', weight)] : [champion], {
    epoch,
    routeBy: 'header:X-Customer',
  })
}

async function post(gateway: TestGateway, hosts: readonly HostSpec[], routes: readonly Route[]): Promise<void> {
  const { revision } = await gateway.control.status()
  await gateway.control.postRoutes(table(revision + 1, hosts, routes))
}

function failures(answers: readonly Answered[]): Answered[] {
  return answers.filter((answer) => answer.status !== 200)
}

async function hostOf(gateway: TestGateway, id: string): Promise<GatewayStatus['hosts'][number]> {
  const { hosts } = await gateway.control.status()
  return hosts.find((host) => host.id === id)!
}

async function pidOf(gateway: TestGateway, id: string): Promise<number> {
  return (await hostOf(gateway, id)).pid!
}
