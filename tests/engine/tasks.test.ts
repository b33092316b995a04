import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PlanStep, TaskName } from '../../src/core/plan.ts'
import type { TaskOutput } from '../../src/core/task.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { SettleContext } from '../../src/engine/engine-options.ts'
import { DATABASES } from '../harness/databases.ts'
import { command, needs, openEnginePlace, planOf, reads, type EnginePlace } from './engine-place.ts'
import { endedTask, openScriptedExecutor, type ScriptedExecutor } from './scripted-executor.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: EnginePlace
  let engine: Engine
  let executor: ScriptedExecutor
  const settled: Pick<SettleContext, 'output' | 'cached'>[] = []
  let answer: TaskOutput = {}
  let gone: string | undefined

  beforeAll(async () => {
    executor = openScriptedExecutor()
    // Tasks end as soon as they are handed over, with what the test wants answered.
    const submit = executor.submit.bind(executor)
    executor.submit = (order, secrets) => {
      executor.say(order.attemptId, endedTask(order.attemptId, order.command.kind === 'task' ? answer : {}))
      return submit(order, secrets)
    }
    place = await openEnginePlace(kind, { wrap: () => executor })
    const binding = {
      version: 1,
      prepare: async (context: { step: PlanStep }) => ({ asked: context.step.key }),
      missing: async () => gone,
      settle: async (_writer: unknown, context: SettleContext) => {
        settled.push({ output: context.output, cached: context.cached })
        return [
          { kind: 'gate.decided', project: context.run.project, subject: `${context.run.id}/gate`, data: {} } as const,
        ]
      },
    }
    engine = await place.start({ tasks: { gate: binding, 'check-datasets': binding, 'build-environment': binding } })
  })
  afterAll(() => place[Symbol.asyncDispose]())

  const task = (name: TaskName, changes: Partial<PlanStep> = {}): PlanStep => ({
    ...command(name, ''),
    work: { kind: 'task', task: name, input: { planned: true } },
    ...changes,
  })

  async function run(project: string, given: TaskOutput, ...steps: PlanStep[]) {
    answer = given
    settled.length = 0
    return place.untilEnded((await place.create(engine, { project, plan: planOf(...steps) })).id)
  }

  test('a task gets its prepared input, and its result is settled with the step', async () => {
    const before = place.orders.length
    const { run: ended, steps } = await run('tasks', { result: { value: 7 } }, task('gate'))

    expect(place.orders[before]?.command).toMatchObject({ kind: 'task', task: 'gate', input: { asked: 'gate' } })
    expect(steps['gate']).toMatchObject({ state: 'succeeded', kind: 'task' })
    expect(settled).toEqual([{ output: { result: { value: 7 } }, cached: false }])
    expect((await place.events(ended.id)).map((event) => event.kind)).toContain('gate.decided')
  })

  test('a task that answers with a failure fails its step in its own words, and is settled too', async () => {
    const failure = { reason: 'refused', message: 'accuracy is 0.81, below 0.95' } as const
    const { run: ended, steps } = await run('tasks', { failure, result: 1 }, task('gate'))

    expect(steps['gate']).toMatchObject({ state: 'failed', ...failure })
    expect(ended).toMatchObject({ state: 'failed', reason: 'gate failed: accuracy is 0.81, below 0.95' })
    expect(settled).toHaveLength(1)
  })

  test('a run whose datasets did not change is refused, not failed', async () => {
    const failure = { reason: 'refused', message: 'No dataset has changed.' } as const
    const { run: ended } = await run(
      'tasks',
      { failure },
      task('check-datasets'),
      command('train', '', { needs: needs('check-datasets') }),
    )

    expect(ended).toMatchObject({ state: 'refused', reason: 'No dataset has changed.' })
  })

  test('a cached task is settled again from what it answered then', async () => {
    const first = await run('cached', { result: { n: 1 } }, task('gate', { cache: true }))
    const second = await run('cached', { result: { n: 2 } }, task('gate', { cache: true }))

    expect(first.steps['gate']?.cache).toBe('miss')
    expect(second.steps['gate']).toMatchObject({ cache: 'hit', attempt: 0 })
    expect(settled).toEqual([{ output: { outs: {}, result: { n: 1 } }, cached: true }])
  })

  test('an answer that is true of one time only is worked out again by later runs and by reruns', async () => {
    const [given, gate] = [{ result: 1, cacheable: false } as const, task('gate', { cache: true, matrix: { own: 1 } })]
    const { run: first } = await run('passing', given, gate)
    const { steps } = await run('passing', given, gate)
    const created = await place.database.write((writer) =>
      engine.rerun(writer, first.id, { failedOnly: true, by: 'bo' }),
    )
    const rerun = await place.untilEnded(created.run.id)

    expect(steps['gate']).toMatchObject({ cache: 'miss', attempt: 1 })
    expect(rerun.steps['gate']).toMatchObject({ state: 'succeeded', attempt: 1 })
  })

  test('a cached task whose answer names what is gone runs again and says so', async () => {
    await run('gone', { result: 1 }, task('build-environment', { cache: true }))
    gone = 'the environment was removed'
    const { steps } = await run('gone', { result: 2 }, task('build-environment', { cache: true }))
    gone = undefined

    expect(steps['build-environment']).toMatchObject({ cache: 'miss', attempt: 1 })
    expect(steps['build-environment']?.why).toContain('the environment was removed')
  })

  test('a step that uses a build environment gets its variables and folders, and its key', async () => {
    const provides = { env: { VIRTUAL_ENV: '/env' }, path: ['/env/bin'], cacheKey: 'lock-1' }
    const train = command('train', '', { deps: [], uses: ['build-environment'], needs: needs('build-environment') })
    const before = place.orders.length
    await run('uses', { provides }, task('build-environment'), train)
    const other = await run('uses', { provides: { ...provides, cacheKey: 'lock-2' } }, task('build-environment'), train)

    const env = place.orders.slice(before).find((order) => order.attemptId.includes('/train/'))?.env
    expect(env).toMatchObject({ VIRTUAL_ENV: '/env', PATH: '/env/bin:/usr/local/bin:/usr/bin:/bin' })
    expect(other.steps['train']).toMatchObject({ cache: 'miss', why: 'build environment: build-environment changed' })
  })

  test('what a task puts out is an input of the steps that read it', async () => {
    const ref = await place.artifacts.putBytes('rows')
    const before = place.orders.length
    const reader = command('train', '', { deps: ['data/raw.csv'], needs: reads('gate') })
    await run('outs', { outs: { 'data/raw.csv': ref } }, task('gate'), reader)

    const order = place.orders.slice(before).find((each) => each.attemptId.includes('/train/'))
    expect(order?.inputs).toEqual([{ path: 'data/raw.csv', digest: ref.digest, size: 4, executable: false }])
  })

  test('a task that this server lacks fails its step and is named', async () => {
    const { steps } = await run('lacks', {}, task('evaluate'))

    expect(steps['evaluate']).toMatchObject({ state: 'failed', reason: 'setup-error' })
    expect(steps['evaluate']?.message).toContain('the task evaluate')
  })
})
