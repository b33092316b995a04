import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { judgeEnd } from '../../src/engine/judge-end.ts'
import { openAttemptPlace, readLog, until, type AttemptPlace } from './attempt-place.ts'
import { untilEnded } from '../contract/executor.ts'

let place: AttemptPlace

beforeAll(async () => {
  place = await openAttemptPlace()
})

afterAll(() => place[Symbol.asyncDispose]())

function task(name: string, input: unknown = {}) {
  return { kind: 'task', task: name, dataFolder: place.folder, input } as const
}

test('what a task answers is in the record', async () => {
  const { record, log, order } = await place.run(task('gate', { margin: 0.02 }))

  expect(record).toMatchObject({
    outcome: 'succeeded',
    taskOutput: { metrics: { rows: 3 }, result: { margin: 0.02 } },
    outs: { 'report.json': { kind: 'file' } },
  })
  expect(log).toBe(`working in ${order.workspace}\n`)
})

test('a link of the commit that leads out is not there for a task, and its log says so', async () => {
  const inputs = [
    { ...(await place.file('data', '/mnt/lake')), symlink: true as const },
    { ...(await place.file('models/shared', '../../shared')), symlink: true as const },
    { ...(await place.file('latest', 'v1')), symlink: true as const },
    await place.file('v1', 'one'),
  ]

  const { record, log, order } = await place.run(task('gate', {}), { inputs })

  expect(record.outcome).toBe('succeeded')
  expect(new Set(readdirSync(order.workspace, { recursive: true, encoding: 'utf8' }))).toEqual(
    new Set(['latest', 'models', 'v1']),
  )
  expect(log).toContain('[tidegate] the link data leads out of the workspace, to /mnt/lake: it is left out\n')
  expect(log).toContain('the link models/shared leads out of the workspace, to ../../shared: it is left out\n')
})

test('an error that is meant for people fails a task with its message', async () => {
  const { record, log } = await place.run(task('register'))

  expect(record).toMatchObject({ outcome: 'failed', reason: 'setup-error', message: 'This bundle was rolled back.' })
  expect(log).toBe('[tidegate] This bundle was rolled back.\n')
})

test('what a task says of a tool that failed is in its log as a whole', async () => {
  const message = Array.from({ length: 40 }, (_, at) => `no version of package-${at} fits the others`).join('\n')

  const { record, log } = await place.run(task('register', { message }))

  expect(record).toMatchObject({ message, taskOutput: { failure: { message } } })
  expect(log).toContain('package-39 fits the others')
})

test('a bug in a task leaves its stack in the log', async () => {
  const { record, log } = await place.run(task('evaluate'))

  expect(record).toMatchObject({ outcome: 'failed', reason: 'setup-error', message: 'undefined is not a model' })
  expect(log).toContain('TypeError: undefined is not a model\n    at ')
})

test('a task that decides to refuse says for which reason', async () => {
  const { record } = await place.run(task('check-datasets'))

  expect(record).toMatchObject({ outcome: 'failed', reason: 'refused', message: 'No dataset has changed.' })
})

test('a secret that a task quotes is neither in its record nor in its log', async () => {
  const secret = 'https://ana:correct-horse@packages.example/simple'

  const { record, log, order } = await place.run(
    task('build-environment', { name: 'main' }),
    {},
    { PIP_INDEX_URL: secret },
  )

  const message = 'cannot reach ***'
  expect(record).toMatchObject({
    message,
    taskOutput: { failure: { reason: 'refused', message }, result: { input: { name: 'main' }, notes: [message] } },
  })
  expect(judgeEnd({ kind: 'record', record }).message).toBe(message)
  expect(readFileSync(join(order.attemptFolder, 'done.json'), 'utf8') + log).not.toContain('correct-horse')
})

test('a task nobody knows is refused by name', async () => {
  const { record } = await place.run(task('freeze-dataset'))

  expect(record.message).toContain('freeze-dataset')
})

test('a cancelled task hears of it by its signal', async () => {
  const order = place.order(task('make-bundle'))
  const handle = await place.executor.submit(order, {})
  await until(() => logOf(order) === 'waiting\n')

  await place.executor.cancel(handle, 20_000)

  expect((await untilEnded(place.executor, handle)).outcome).toBe('cancelled')
  expect(readLog(order)).toBe('waiting\ntold to stop\n[tidegate] It was cancelled.\n')
})

function logOf(order: Parameters<typeof readLog>[0]): string {
  try {
    return readLog(order)
  } catch {
    return ''
  }
}
