import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { sha256 } from '../../src/lib/sha256.ts'
import type { AttemptOrder, CompletionRecord, Executor, Handle, Observation } from '../../src/core/ports/executor.ts'

/** What a driver's suite is run with. */
export interface ExecutorPlace {
  /** A new handle on the same executor; closed by the test. What is not in the process is shared. */
  readonly open: () => Executor
  /** A complete order for a new attempt, with this in it. */
  readonly order: (changes: Partial<AttemptOrder> & Pick<AttemptOrder, 'command'>) => AttemptOrder
  /** The same deeds in the driver's own words. */
  readonly scripts: {
    readonly print: (text: string) => string
    readonly write: (path: string, content: string) => string
    readonly exit: (code: number) => string
    readonly sleep: (ms: number) => string
  }
}

export async function observeOne(executor: Executor, handle: Handle): Promise<Observation> {
  const observation = (await executor.observe([handle])).get(handle)
  if (!observation) throw new Error(`nothing was said about ${handle}`)
  return observation
}

/** Polls until it is so; the test's own timeout is the bound. */
export async function untilKind(
  executor: Executor,
  handle: Handle,
  ...kinds: Observation['kind'][]
): Promise<Observation> {
  for (;;) {
    const observation = await observeOne(executor, handle)
    if (kinds.includes(observation.kind)) return observation
    await sleep(10)
  }
}

export async function untilEnded(executor: Executor, handle: Handle): Promise<CompletionRecord> {
  const observation = await untilKind(executor, handle, 'ended', 'gone')
  if (observation.kind !== 'ended') throw new Error(`${handle} is ${observation.kind}`)
  return observation.record
}

function fileOf(content: string) {
  return { kind: 'file', digest: sha256(content), size: content.length }
}

/** What every executor does. */
export function executorContract(place: () => ExecutorPlace): void {
  const command = (...lines: string[]) => ({ kind: 'command', run: lines.join('\n') }) as const

  test('an attempt that ends well has its outputs and its log in the record', async () => {
    const { open, order, scripts } = place()
    await using executor = open()
    const run = command(scripts.print('hello'), scripts.write('model.txt', 'weights'))

    const handle = await executor.submit(order({ command: run, outs: ['model.txt'] }), {})
    const record = await untilEnded(executor, handle)

    expect(record).toMatchObject({ version: 1, outcome: 'succeeded', logBytes: 6, logLostBytes: 0 })
    expect(record.outs['model.txt']).toEqual(fileOf('weights'))
    expect(record.endedAt).toBeGreaterThanOrEqual(record.startedAt)
  })

  test('an exit code other than zero is a failure with that code', async () => {
    const { open, order, scripts } = place()
    await using executor = open()

    const handle = await executor.submit(order({ command: command(scripts.exit(3)) }), {})

    expect(await untilEnded(executor, handle)).toMatchObject({ outcome: 'failed', reason: 'exit', exitCode: 3 })
  })

  test('a promised output that was not written fails the attempt and is named', async () => {
    const { open, order, scripts } = place()
    await using executor = open()

    const handle = await executor.submit(order({ command: command(scripts.print('x')), outs: ['model.onnx'] }), {})

    const record = await untilEnded(executor, handle)
    expect(record).toMatchObject({ outcome: 'failed', reason: 'missing-outs', outs: {} })
    expect(record.message).toContain('model.onnx')
  })

  test('what shall be kept is kept of a failure too', async () => {
    const { open, order, scripts } = place()
    await using executor = open()
    const run = command(scripts.write('junit.xml', '<testsuite/>'), scripts.exit(1))

    const handle = await executor.submit(order({ command: run, keep: ['junit.xml'], outs: ['model.txt'] }), {})

    const record = await untilEnded(executor, handle)
    expect(record).toMatchObject({ outcome: 'failed', reason: 'exit', outs: {} })
    expect(record.kept['junit.xml']).toEqual(fileOf('<testsuite/>'))
  })

  test('submitting an attempt again adopts it: it runs once', async () => {
    const { open, order, scripts } = place()
    await using executor = open()
    const same = order({ command: command(scripts.print('once'), scripts.sleep(100)) })

    const handles = await Promise.all([executor.submit(same, {}), executor.submit(same, {}), executor.submit(same, {})])

    expect(new Set(handles).size).toBe(1)
    expect((await untilEnded(executor, handles[0])).logBytes).toBe('once\n'.length)
    await executor.submit(same, {})
    expect((await untilEnded(executor, handles[0])).logBytes).toBe('once\n'.length)
  })

  test('nothing of an attempt runs before it is confirmed', async () => {
    const { open, order, scripts } = place()
    await using executor = open()
    const { promise: confirmed, resolve: confirm } = Promise.withResolvers<void>()
    const [first, second] = [command(scripts.print('first')), command(scripts.print('second'))].map((run) =>
      order({ command: run }),
    )
    const handle = await executor.submit(first!, {}, confirmed)
    const other = await executor.submit(second!, {})
    await untilEnded(executor, other)
    expect(await observeOne(executor, handle)).not.toMatchObject({ kind: 'ended' })

    confirm()

    expect(await untilEnded(executor, handle)).toMatchObject({ outcome: 'succeeded', logBytes: 6 })
  })

  test('what is cancelled before it is confirmed never runs', async () => {
    const { open, order, scripts } = place()
    await using executor = open()
    const { promise: confirmed, resolve: confirm } = Promise.withResolvers<void>()
    const handle = await executor.submit(order({ command: command(scripts.print('x')) }), {}, confirmed)
    await executor.cancel(handle, 0)
    confirm()

    expect(await untilEnded(executor, handle)).toMatchObject({ outcome: 'cancelled', outs: {} })
  })

  test('a running attempt is observed as running, and cancelled it ends as cancelled', async () => {
    const { open, order, scripts } = place()
    await using executor = open()
    const handle = await executor.submit(order({ command: command(scripts.sleep(60_000)) }), {})
    await untilKind(executor, handle, 'running')

    await executor.cancel(handle, 1_000)
    await executor.cancel(handle, 1_000)

    expect(await untilEnded(executor, handle)).toMatchObject({ outcome: 'cancelled', reason: 'cancelled', outs: {} })
  })

  test('cancelling what has ended changes nothing', async () => {
    const { open, order, scripts } = place()
    await using executor = open()
    const handle = await executor.submit(order({ command: command(scripts.print('done')) }), {})
    const record = await untilEnded(executor, handle)

    await executor.cancel(handle, 0)

    expect(await untilEnded(executor, handle)).toEqual(record)
  })

  test('many attempts are observed with one call, and one that never was is gone', async () => {
    const { open, order, scripts } = place()
    await using executor = open()
    const orders = [0, 1, 2].map((code) => order({ command: command(scripts.exit(code)) }))
    const handles = await Promise.all(orders.map((each) => executor.submit(each, {})))
    const stranger = `${handles[0]}-never`
    for (const handle of handles) await untilEnded(executor, handle)

    const seen = await executor.observe([...handles, stranger])

    expect([...seen.values()].map((each) => each.kind)).toEqual(['ended', 'ended', 'ended', 'gone'])
  })

  test('what it owns is listed until it is forgotten, and forgetting twice is no error', async () => {
    const { open, order, scripts } = place()
    await using executor = open()
    const handle = await executor.submit(order({ command: command(scripts.print('x')) }), {})
    await untilEnded(executor, handle)
    expect(await executor.listOwned()).toContain(handle)

    await executor.forget(handle)
    await executor.forget(handle)

    expect(await executor.listOwned()).not.toContain(handle)
    expect(await observeOne(executor, handle)).toEqual({ kind: 'gone' })
  })

  test('it says what there is to run on', async () => {
    await using executor = place().open()

    const { cpus, memoryBytes } = await executor.probe()

    expect(cpus).toBeGreaterThan(0)
    expect(memoryBytes).toBeGreaterThan(1 << 20)
  })
}
