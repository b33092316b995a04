import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDummyExecutor } from '../../src/drivers/executor/dummy/dummy-executor.ts'
import { EXECUTORS } from '../../src/drivers/executor/executors.ts'
import { openLocalExecutor } from '../../src/drivers/executor/local/local-executor.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { driverFolders } from './driver-folders.ts'
import { executorContract, observeOne, untilEnded, untilKind, type ExecutorPlace } from './executor.ts'
import type { AttemptOrder } from '../../src/core/ports/executor.ts'
import type { Store } from '../../src/core/ports/store.ts'

let folder: string
let store: Store
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidegate-executors-'))
  store = await openFolderStore(join(folder, 'store'))
})

afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }))

const order: ExecutorPlace['order'] = (changes) => {
  const name = String(++count)
  return {
    version: 1,
    attemptId: `project#1/step ${name}/1`,
    attemptFolder: join(folder, 'attempts', name),
    workspace: join(folder, 'work', name),
    storeFolder: join(folder, 'store'),
    inputs: [],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    secretNames: [],
    outs: [],
    keep: [],
    timeoutMs: 60_000,
    graceMs: 1_000,
    logLimitBytes: 1_000_000,
    ...changes,
  } satisfies AttemptOrder
}

const shell = {
  print: (text: string) => `echo '${text}'`,
  write: (path: string, content: string) => `printf '%s' '${content}' > '${path}'`,
  exit: (code: number) => `exit ${code}`,
  sleep: (ms: number) => `sleep ${ms / 1000}`,
}

const dummy = {
  print: (text: string) => `print ${text}`,
  write: (path: string, content: string) => `out ${path} ${content}`,
  exit: (code: number) => `exit ${code}`,
  sleep: (ms: number) => `sleep ${ms}`,
}

describe('the local executor', () => {
  const open = () => openLocalExecutor({ folder: join(folder, 'local'), spares: 0 })
  executorContract(() => ({ open, order, scripts: shell }))
})

describe('the local executor with a spare supervisor', () => {
  const open = () => openLocalExecutor({ folder: join(folder, 'local-spare'), spares: 1 })
  executorContract(() => ({ open, order, scripts: shell }))
})

describe('the dummy executor', () => {
  executorContract(() => ({ open: () => openDummyExecutor({ store }), order, scripts: dummy }))

  const submit = async (executor: ReturnType<typeof openDummyExecutor>, run: string, attemptId = 'p#1/s/1') =>
    executor.submit(order({ command: { kind: 'command', run }, attemptId }), {})

  test('loses an attempt, or its memory, when it is told to', async () => {
    await using executor = openDummyExecutor({ store })

    const lost = await submit(executor, 'print x\nlost')
    const greedy = await submit(executor, 'out-of-memory')

    expect((await untilKind(executor, lost, 'gone', 'ended')).kind).toBe('gone')
    expect(await untilEnded(executor, greedy)).toMatchObject({ outcome: 'failed', reason: 'out-of-memory' })
  })

  test('fails the first attempt of a step and not the second when it is told to', async () => {
    await using executor = openDummyExecutor({ store })

    const first = await submit(executor, 'first 1 exit 7', 'p#1/s/1')
    const second = await submit(executor, 'first 1 exit 7', 'p#1/s/2')

    expect(await untilEnded(executor, first)).toMatchObject({ outcome: 'failed', exitCode: 7 })
    expect(await untilEnded(executor, second)).toMatchObject({ outcome: 'succeeded' })
  })

  test('sleeps by the clock it is given', async () => {
    const wake = Promise.withResolvers<void>()
    await using executor = openDummyExecutor({ store, sleep: () => wake.promise })
    const handle = await submit(executor, 'sleep 5000')
    expect((await observeOne(executor, handle)).kind).toBe('running')

    wake.resolve()

    expect((await untilEnded(executor, handle)).outcome).toBe('succeeded')
  })
})

test('every executor driver is in the registry under the name of its folder', async () => {
  expect(Object.keys(EXECUTORS).sort()).toEqual(await driverFolders('executor'))
})
