import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { array, assert, asyncProperty, boolean, constantFrom } from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import type { Observation } from '../../src/core/ports/executor.ts'
import { ATTEMPT_TRANSITIONS } from '../../src/core/run-state.ts'
import { tryTransition } from '../../src/db/transition.ts'
import { createKernel } from '../../src/engine/kernel.ts'
import { getRun, listAttempts, listSteps } from '../../src/engine/runs.sql.ts'
import { settleAttempt } from '../../src/engine/settle-attempt.ts'
import { DATABASES, openTestDatabase, type TestDatabase } from '../harness/databases.ts'
import { command, needs, openEnginePlace, planOf, type EnginePlace } from './engine-place.ts'
import { ended, openScriptedExecutor, type ScriptedExecutor } from './scripted-executor.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let database: TestDatabase
  let place: EnginePlace
  let executor: ScriptedExecutor
  beforeAll(async () => {
    database = await openTestDatabase(kind)
  })
  afterAll(() => database[Symbol.asyncDispose]())
  beforeEach(async () => {
    executor = openScriptedExecutor()
    place = await openEnginePlace(kind, { database, wrap: () => executor })
  })
  afterEach(() => place[Symbol.asyncDispose]())

  const attempts = (runId: string) => listAttempts(place.database.read, runId, { limit: 50 })

  const untilAttempt = (id: string, state: string) =>
    place.until(async () => (await attempts(id.split('/')[0]!)).some((row) => row.id === id && row.state === state))

  test('an engine that starts again goes on with what runs, and hands nothing over twice', async () => {
    const before = await place.start()
    const { id } = await place.create(before, {
      plan: planOf(command('train', ''), command('after', '', { needs: needs('train') })),
    })
    await untilAttempt(`${id}/train/1`, 'running')
    await before.stop()

    executor.say(`${id}/train/1`, ended(`${id}/train/1`, 'succeeded'))
    executor.say(`${id}/after/1`, ended(`${id}/after/1`, 'succeeded'))
    await place.start()
    const { run } = await place.untilEnded(id)

    expect(run.state).toBe('succeeded')
    expect(executor.submitted).toEqual([`${id}/train/1`, `${id}/after/1`])
  })

  test('what ended while no engine looked is recorded, and what vanished is lost and tried again', async () => {
    const before = await place.start()
    const { id } = await place.create(before, { plan: planOf(command('done', ''), command('gone', '')) })
    await untilAttempt(`${id}/done/1`, 'running')
    await untilAttempt(`${id}/gone/1`, 'running')
    await before.stop()

    executor.say(`${id}/done/1`, ended(`${id}/done/1`, 'succeeded'))
    executor.say(`${id}/gone/1`, { kind: 'gone' })
    executor.say(`${id}/gone/2`, ended(`${id}/gone/2`, 'succeeded'))
    await place.start()
    const { run, steps } = await place.untilEnded(id)

    expect(run.state).toBe('succeeded')
    expect(steps['done']?.attempt).toBe(1)
    expect(steps['gone']).toMatchObject({ attempt: 2, why: expect.stringContaining('executor-lost') })
  })

  test('an attempt that was written down but never handed over is handed over', async () => {
    const before = await place.start({ openStep: () => Promise.reject(new Error('the server is going down')) })
    const { id } = await place.create(before, { plan: planOf(command('train', '')) })
    await untilAttempt(`${id}/train/1`, 'starting')
    await before.stop()

    executor.say(`${id}/train/1`, ended(`${id}/train/1`, 'succeeded'))
    await place.start()
    const { run } = await place.untilEnded(id)

    expect(run.state).toBe('succeeded')
    expect(executor.submitted).toEqual([`${id}/train/1`])
  })

  test('a cancel that was asked for before the restart is carried out after it', async () => {
    const before = await place.start()
    const { id } = await place.create(before, { plan: planOf(command('train', '')) })
    await untilAttempt(`${id}/train/1`, 'running')
    await before.stop()
    await before.cancel(id, 'bo', 'now')

    await place.start()
    await place.until(async () => executor.cancelled.length > 0)
    executor.say(`${id}/train/1`, ended(`${id}/train/1`, 'cancelled'))
    const { run } = await place.untilEnded(id)

    expect(run).toMatchObject({ state: 'cancelled', reason: 'cancelled by bo' })
  })

  test('steps that a cancel lets finish, and those it lets start, do so after a restart too', async () => {
    const before = await place.start()
    const gently = await place.create(before, {
      plan: planOf(command('a', ''), command('b', '', { needs: needs('a'), if: 'always()' })),
    })
    const tidily = await place.create(before, {
      plan: planOf(command('a', ''), command('b', '', { needs: needs('a'), if: 'always()' })),
    })
    await untilAttempt(`${gently.id}/a/1`, 'running')
    await untilAttempt(`${tidily.id}/a/1`, 'running')
    await before.stop()
    await before.cancel(gently.id, 'bo', 'after-current')
    await before.cancel(tidily.id, 'bo', 'now-run-always')

    await place.start()
    await place.until(async () => executor.cancelled.length > 0)
    executor.say(`${gently.id}/a/1`, ended(`${gently.id}/a/1`, 'succeeded'))
    executor.say(`${tidily.id}/a/1`, ended(`${tidily.id}/a/1`, 'cancelled'))
    executor.say(`${tidily.id}/b/1`, ended(`${tidily.id}/b/1`, 'succeeded'))
    const one = await place.untilEnded(gently.id)
    const other = await place.untilEnded(tidily.id)

    expect(executor.cancelled).toEqual([`${tidily.id}/a/1`])
    expect(one.run).toMatchObject({ state: 'cancelled', reason: 'cancelled by bo after the steps that run' })
    expect(one.steps).toMatchObject({ a: { state: 'succeeded' }, b: { state: 'cancelled' } })
    expect(other.run).toMatchObject({ state: 'cancelled', reason: 'cancelled by bo, but for steps with always()' })
    expect(other.steps).toMatchObject({ a: { state: 'cancelled' }, b: { state: 'succeeded' } })
  })

  test('an attempt that was cancelled before it was handed over never starts', async () => {
    const before = await place.start({ openStep: () => Promise.reject(new Error('the server is going down')) })
    const { id } = await place.create(before, { plan: planOf(command('train', '')) })
    await untilAttempt(`${id}/train/1`, 'starting')
    await before.stop()
    await before.cancel(id, 'bo', 'now')

    await place.start()
    const { run, steps } = await place.untilEnded(id)

    expect(run.state).toBe('cancelled')
    expect(steps['train']).toMatchObject({ state: 'cancelled', message: 'cancelled by bo' })
    expect(executor.submitted).toEqual([])
  })

  test('what was opened for an attempt is closed, also when the server died in between', async () => {
    const before = await place.start({ closeStep: () => Promise.reject(new Error('the server is going down')) })
    const { id } = await place.create(before, { plan: planOf(command('a', ''), command('b', '')) })
    executor.say(`${id}/a/1`, ended(`${id}/a/1`, 'succeeded'))
    executor.say(`${id}/b/1`, ended(`${id}/b/1`, 'failed'))
    await place.untilEnded(id)
    await before.stop()

    await place.start()
    const closed = await place.until(async () => {
      const lines = place.openings.filter((line) => line.startsWith(`close ${id}`))
      return lines.length === 2 && executor.forgotten.length > 0 && lines
    })

    expect(closed.sort()).toEqual([`close ${id}/a/1`, `close ${id}/b/1`])
    // The workspace of what failed is kept for a while.
    expect(executor.forgotten).toEqual([`${id}/a/1`])
  })

  test('an attempt is given what the one before left, in the same run and in reruns, until one succeeds', async () => {
    const engine = await place.start()
    const left = async (text: string) => ({ 'state.bin': await place.artifacts.putBytes(text) })
    const fails = async (id: string, text: string) =>
      executor.say(id, ended(id, 'failed', { checkpoint: await left(text) }))
    const given = (id: string) => place.orders.findLast(({ attemptId }) => attemptId === id)?.checkpoint
    const plan = planOf(command('train', '', { checkpoint: ['state.bin'], retry: { on: ['exit'], limit: 1 } }))
    const rerun = async (id: string) =>
      (await place.database.write((writer) => engine.rerun(writer, id, { failedOnly: true, by: 'bo' }))).run.id

    const { id } = await place.create(engine, { plan })
    await fails(`${id}/train/1`, 'one')
    executor.say(`${id}/train/2`, { kind: 'gone' })
    await place.untilEnded(id)
    const again = await rerun(id)
    executor.say(`${again}/train/1`, ended(`${again}/train/1`, 'succeeded'))
    await place.untilEnded(again)
    const fresh = (await place.database.write((writer) => engine.rerun(writer, again, { failedOnly: false, by: 'bo' })))
      .run.id
    executor.say(`${fresh}/train/1`, ended(`${fresh}/train/1`, 'succeeded'))
    await place.untilEnded(fresh)

    const { digest } = (await left('one'))['state.bin']
    const files = [expect.objectContaining({ path: 'state.bin', digest })]
    expect(given(`${id}/train/1`)).toEqual({ paths: ['state.bin'], files: [] })
    expect(given(`${id}/train/2`)).toEqual({ paths: ['state.bin'], files })
    // The second was lost: what it wrote stands where it ran, and what the first left is what there is without it.
    const lostWorkspace = expect.stringContaining('/train/2')
    expect(given(`${again}/train/1`)).toEqual({ paths: ['state.bin'], files, lostWorkspace })
    expect(given(`${fresh}/train/1`)).toEqual({ paths: ['state.bin'], files: [] })
  })

  test('a command that asks for a file its deps keep from it is told so, by name', async () => {
    const engine = await place.start()
    const plan = planOf(
      command('train', '', { deps: ['train.py', 'src/'], retry: { on: [], limit: 0 } }),
      command('free', '', { retry: { on: [], limit: 0 } }),
    )
    const files = { 'train.py': '1', 'src/a.py': '2', 'lib/helper/__init__.py': '3', 'conf/params.yaml': '4' }
    const sourceTree = await place.commit(files)
    const { id } = await place.create(engine, { plan, sourceTree })
    await untilAttempt(`${id}/train/1`, 'running')
    await untilAttempt(`${id}/free/1`, 'running')
    const complaints = [
      // Of any length: a pattern that tried each letter of it as a beginning would hold up the server for seconds.
      'A'.repeat(50_000),
      "FileNotFoundError: [Errno 2] No such file or directory: 'conf/params.yaml'",
      "ModuleNotFoundError: No module named 'helper'",
      'cat: src/a.py: No such file or directory',
      'cat: /etc/nothing: No such file or directory',
    ]
    for (const { folder } of await attempts(id)) {
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'log'), complaints.join('\n'))
    }
    for (const step of ['train', 'free']) executor.say(`${id}/${step}/1`, ended(`${id}/${step}/1`, 'failed'))

    const { steps } = await place.untilEnded(id)

    const hint = 'conf/params.yaml, lib/helper/__init__.py exist in the commit, but are not in `deps` of step train.'
    expect(steps['train']?.message).toBe(`It ended with exit code 1. ${hint}`)
    expect(steps['free']?.message).toBe('It ended with exit code 1.')
  })

  test('a completion record of another attempt is not believed', async () => {
    const engine = await place.start()
    const { id } = await place.create(engine, { plan: planOf(command('train', '', { retry: { on: [], limit: 0 } })) })
    executor.say(`${id}/train/1`, ended('other#1/train/1', 'succeeded'))

    const { run, steps } = await place.untilEnded(id)

    expect(run.state).toBe('failed')
    expect(steps['train']?.message).toContain('other#1/train/1')
  })

  test('an executor that cannot start an attempt fails it with the reason, and no run waits for ever', async () => {
    const engine = await place.start({ openStep: () => Promise.reject(new AppError('UPSTREAM', 'no token')) })
    const { id } = await place.create(engine, { plan: planOf(command('train', '')) })

    const { run, steps } = await place.untilEnded(id)

    expect(run.state).toBe('failed')
    expect(steps['train']).toMatchObject({ reason: 'setup-error', message: expect.stringContaining('no token') })
  })

  test('an attempt that runs although handing it over failed is watched, not forgotten', async () => {
    const submit = executor.submit.bind(executor)
    executor.submit = async (order, secrets) => {
      await submit(order, secrets)
      executor.say(order.attemptId, ended(order.attemptId, 'succeeded'))
      throw new AppError('INVALID_INPUT', 'the answer got lost')
    }
    const engine = await place.start()
    const { id } = await place.create(engine, { plan: planOf(command('train', '')) })

    const { run } = await place.untilEnded(id)

    expect(run.state).toBe('succeeded')
    expect(executor.submitted).toEqual([`${id}/train/1`])
  })

  test('results that cannot be stored fail the step instead of the server', async () => {
    const engine = await place.start({
      writeResults: () => Promise.reject(new AppError('INVALID_INPUT', 'a broken report')),
    })
    const { id } = await place.create(engine, { plan: planOf(command('train', '')) })
    executor.say(`${id}/train/1`, ended(`${id}/train/1`, 'succeeded'))

    const { steps } = await place.untilEnded(id)

    expect(steps['train']).toMatchObject({ state: 'failed', message: expect.stringContaining('a broken report') })
  })

  test('whatever an executor says, in whatever order, a run ends once and then never moves', async () => {
    const engine = await place.start()
    await assert(
      asyncProperty(array(constantFrom(...WORDS), { maxLength: 6 }), boolean(), async (words, cancel) => {
        const number = (await place.create(engine, { plan: planOf() })).number + 1
        const id = `digits#${number}`
        for (const attempt of [`${id}/a/1`, `${id}/a/2`, `${id}/b/1`, `${id}/b/2`]) {
          executor.say(attempt, ...words.map((word) => observation(word, attempt)), ended(attempt, 'succeeded'))
        }
        await place.create(engine, { plan: planOf(command('a', ''), command('b', '', { needs: needs('a') })) })
        if (cancel) await engine.cancel(id, 'bo', 'now').catch(() => undefined)
        await place.untilEnded(id)

        const state = await snapshot(id)
        for (const attempt of state.attempts) {
          const kernel = createKernel(place.options())
          const context = await kernel.contextOfAttempt(attempt)
          for (const outcome of ['succeeded', 'failed'] as const) {
            const late = ended(attempt.id, outcome)
            if (late.kind !== 'ended') continue
            expect(
              await settleAttempt(kernel, context, { kind: 'record', record: late.record }, undefined),
            ).toBeUndefined()
          }
          await place.database.write((writer) => moveAnyWay(writer, attempt.id))
        }
        await engine.cancel(id, 'bo', 'now').catch(() => undefined)
        expect(withoutHandles(await snapshot(id))).toEqual(withoutHandles(state))
        expect(state.events.filter((event) => event.kind === 'run.ended')).toHaveLength(1)
      }),
      { numRuns: 15 },
    )
  })

  async function snapshot(id: string) {
    return {
      run: await getRun(place.database.read, id),
      steps: await listSteps(place.database.read, id),
      attempts: await attempts(id),
      events: await place.events(id),
    }
  }
})

const WORDS = ['starting', 'running', 'succeeded', 'failed', 'cancelled', 'gone', 'unreachable', 'other'] as const

function observation(word: (typeof WORDS)[number], attempt: string): Observation {
  if (word === 'running') return { kind: 'running', logBytes: 1 }
  if (word === 'unreachable') return { kind: 'unreachable', why: 'no answer' }
  if (word === 'starting' || word === 'gone') return { kind: word }
  return word === 'other' ? ended('other#1/x/1', 'succeeded') : ended(attempt, word)
}

async function moveAnyWay(writer: Parameters<typeof tryTransition>[0], id: string): Promise<void> {
  for (const event of ['run', 'succeed', 'fail', 'cancel', 'lose']) {
    await tryTransition(writer, { table: 'attempts', transitions: ATTEMPT_TRANSITIONS, event, where: { id } })
  }
}

/** Handles go when an attempt is cleared away, which is after its end. */
function withoutHandles<T extends { attempts: { handle: string | null }[] }>(state: T): T {
  return { ...state, attempts: state.attempts.map((attempt) => ({ ...attempt, handle: null })) }
}
