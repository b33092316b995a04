import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listenAtPoints } from '../../src/core/points.ts'
import { readEvents } from '../../src/db/outbox.ts'
import { listAttempts, listRuns } from '../../src/engine/runs.sql.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { DATABASES } from '../harness/databases.ts'
import { command, needs, openEnginePlace, planOf, type EnginePlace } from './engine-place.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: EnginePlace
  let engine: Engine
  beforeAll(async () => {
    place = await openEnginePlace(kind)
    engine = await place.start()
  })
  afterAll(() => place[Symbol.asyncDispose]())

  test('a run goes through its steps and tells so in events', async () => {
    const { id } = await place.create(engine, {
      plan: planOf(command('a', 'print hello'), command('b', 'print world', { needs: needs('a') })),
    })

    const { run, steps } = await place.untilEnded(id)

    expect(run).toMatchObject({ state: 'succeeded', reason: null })
    expect(steps['b']).toMatchObject({ state: 'succeeded', attempt: 1, cache: 'off' })
    const oneStep = ['step.started', 'attempt.started', 'attempt.ended', 'step.ended']
    const kinds = (await place.events(id)).map((event) => event.kind)
    expect(kinds).toEqual(['run.created', 'run.started', ...oneStep, ...oneStep, 'run.ended'])
  })

  test('the same key is the same run, however many ask at once', async () => {
    const sourceTree = await place.commit({})
    const asked = Array.from({ length: 6 }, () =>
      place.create(engine, { dedupeKey: 'same', sourceTree, plan: planOf() }),
    )

    const ids = new Set((await Promise.all(asked)).map((run) => run.id))

    expect(ids.size).toBe(1)
  })

  test('numbers of a project count without gaps under concurrency', async () => {
    const sourceTree = await place.commit({})
    const asked = Array.from({ length: 10 }, () =>
      place.create(engine, { project: 'counted', sourceTree, plan: planOf() }),
    )

    const numbers = (await Promise.all(asked)).map((run) => run.number)

    expect(numbers.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('a hundred runs of two steps at once all end, each once, and no second step begins before its first has ended', async () => {
    const sourceTree = await place.commit({})
    const plan = planOf(command('first', 'print 1'), command('second', 'print 2', { needs: needs('first') }))
    const asked = Array.from({ length: 100 }, (_, at) =>
      place.create(engine, { project: `crowd-${at % 4}`, sourceTree, plan }),
    )
    const ids = (await Promise.all(asked)).map(({ id }) => id)

    const states = new Set<string>()
    for (const id of ids) states.add((await place.untilEnded(id)).run.state)
    const events = await readEvents(place.database.read, 0, 10_000, { subjectPrefix: 'crowd-' })

    expect([...states]).toEqual(['succeeded'])
    const told = Map.groupBy(events, ({ subject }) => subject.split('/')[0])
    const ends = ['started first', 'ended first', 'started second', 'ended second', 'ended']
    for (const id of ids) {
      const ofRun = (told.get(id) ?? []).filter(({ kind }) => /^step|^run.ended/.test(kind))
      expect(ofRun.map(({ kind, subject }) => [kind.split('.')[1], ...subject.split('/').slice(1)].join(' '))).toEqual(
        ends,
      )
    }
    const open = await place.database.read.selectFrom('attempts').select('id').where('ended_at', 'is', null).execute()
    expect(open).toEqual([])
  })

  test('a run without a plan is invalid from the start and says the first problem', async () => {
    const problem = {
      file: 'tidegate.yaml',
      line: 3,
      column: 5,
      path: 'steps',
      message: 'wrong',
      severity: 'error',
    } as const
    const run = await place.create(engine, { problems: [problem] })

    expect(run).toMatchObject({ state: 'invalid', reason: 'tidegate.yaml:3:5: wrong' })
    expect((await place.events(run.id)).map((event) => event.kind)).toEqual(['run.created', 'run.ended'])
  })

  test('a failing step fails the run with its name, and what needs it is skipped with the reason', async () => {
    const { id } = await place.create(engine, {
      plan: planOf(
        command('broken', 'exit 3'),
        command('other', 'print fine'),
        command('after', 'print never', { needs: needs('broken') }),
        command('later', 'print never', { needs: needs('after') }),
        command('cleanup', 'print always', { needs: needs('broken'), if: 'failure()' }),
      ),
    })

    const { run, steps } = await place.untilEnded(id)

    expect(run.state).toBe('failed')
    expect(run.reason).toContain('broken failed: It ended with exit code 3')
    expect(steps['other']?.state).toBe('succeeded')
    expect(steps['after']).toMatchObject({ state: 'skipped', why: 'broken failed' })
    expect(steps['later']).toMatchObject({ state: 'skipped', why: 'after was skipped' })
    expect(steps['cleanup']?.state).toBe('succeeded')
  })

  test('a lost attempt is tried again exactly once', async () => {
    const { id } = await place.create(engine, { plan: planOf(command('train', 'first 1 lost\nprint ok')) })

    const { run, steps } = await place.untilEnded(id)
    const attempts = await listAttempts(place.database.read, id, { limit: 10 })

    expect(run.state).toBe('succeeded')
    expect(steps['train']?.attempt).toBe(2)
    expect(attempts.map((attempt) => [attempt.state, attempt.reason])).toEqual([
      ['lost', 'executor-lost'],
      ['succeeded', null],
    ])
  })

  test('an attempt that is lost every time fails the step with that reason', async () => {
    const { id } = await place.create(engine, { plan: planOf(command('train', 'lost')) })

    const { run, steps } = await place.untilEnded(id)

    expect(run.state).toBe('failed')
    expect(steps['train']).toMatchObject({ state: 'failed', reason: 'executor-lost', attempt: 2 })
  })

  test('a reason that the policy does not name is not tried again', async () => {
    const { id } = await place.create(engine, {
      plan: planOf(command('train', 'exit 1', { retry: { on: ['out-of-memory'], limit: 3 } })),
    })

    const { steps } = await place.untilEnded(id)

    expect(steps['train']?.attempt).toBe(1)
  })

  test('cancelling a run ends what runs, starts nothing more, and says who', async () => {
    const { id } = await place.create(engine, {
      plan: planOf(command('long', 'sleep 600000'), command('after', 'print no', { needs: needs('long') })),
    })
    await place.until(async () => (await place.events(id)).find((event) => event.kind === 'attempt.started'))

    await engine.cancel(id, 'bo', 'now')
    const { run, steps } = await place.untilEnded(id)

    expect(run).toMatchObject({ state: 'cancelled', reason: 'cancelled by bo' })
    expect(steps['long']).toMatchObject({ state: 'cancelled', reason: 'cancelled' })
    expect(steps['after']?.state).toBe('cancelled')
  })

  test('a run that is being cancelled can be cancelled harder, and not more gently', async () => {
    const { id } = await place.create(engine, {
      plan: planOf(
        command('long', 'sleep 600000'),
        command('tidy', 'print x', { needs: needs('long'), if: 'always()' }),
      ),
    })
    await place.until(async () => (await place.events(id)).find((event) => event.kind === 'attempt.started'))

    const ended = Promise.withResolvers<void>()
    listenAtPoints((point, subject) =>
      point === 'attempt ended' && subject.startsWith(`${id}/`) ? ended.promise : undefined,
    )

    await engine.cancel(id, 'bo', 'after-current')
    const waiting = (await listRuns(place.database.read, { limit: 1 }))[0]
    await engine.cancel(id, 'ana', 'now-run-always')
    const softer = engine.cancel(id, 'bo', 'after-current')
    await expect(softer.finally(() => ended.resolve())).rejects.toThrow('already: cancelled by ana')
    const { run, steps } = await place.untilEnded(id)
    listenAtPoints(() => undefined)

    expect(waiting).toMatchObject({ state: 'cancelling', reason: 'cancelled by bo after the steps that run' })
    expect(run).toMatchObject({ state: 'cancelled', reason: 'cancelled by ana, but for steps with always()' })
    // The first cancel said that nothing new starts.
    expect(steps).toMatchObject({ long: { state: 'cancelled' }, tidy: { state: 'cancelled' } })
  })

  test.each(['now', 'after-current', 'now-run-always'] as const)('a queued run ends at once, %s', async (mode) => {
    const concurrency = { group: `queue ${mode}`, policy: 'queue' } as const
    const first = await place.create(engine, { concurrency, plan: planOf(command('a', 'sleep 600000')) })
    const plan = planOf(command('tidy', 'print x', { if: 'always()' }))
    const { id } = await place.create(engine, { concurrency, plan })

    await engine.cancel(id, 'bo', mode)
    const { run, steps } = await place.untilEnded(id)
    await engine.cancel(first.id, 'bo', 'now')

    expect(run.state).toBe('cancelled')
    expect(steps['tidy']?.state).toBe('cancelled')
  })

  test('a run that has ended cannot be cancelled', async () => {
    const { id } = await place.create(engine, { plan: planOf(command('a', 'print x')) })
    await place.untilEnded(id)

    await expect(engine.cancel(id, 'bo', 'now')).rejects.toThrow('it is succeeded')
  })

  test('a newer run of a cancel-running group replaces the older and starts after it', async () => {
    const concurrency = { group: 'main', policy: 'cancel-running' } as const
    const older = await place.create(engine, { concurrency, plan: planOf(command('long', 'sleep 600000')) })
    await place.until(async () => (await place.events(older.id)).find((event) => event.kind === 'attempt.started'))

    const newer = await place.create(engine, { concurrency, plan: planOf(command('a', 'print x')) })
    const ended = await place.untilEnded(newer.id)

    expect(ended.run.state).toBe('succeeded')
    expect((await place.untilEnded(older.id)).run).toMatchObject({
      state: 'cancelled',
      reason: `replaced by ${newer.id}`,
    })
  })

  test('a queue group runs one at a time, and the waiting one says for whom', async () => {
    const concurrency = { group: 'line', policy: 'queue' } as const
    const first = await place.create(engine, { concurrency, plan: planOf(command('a', 'sleep 600000')) })
    const second = await place.create(engine, { concurrency, plan: planOf(command('a', 'print x')) })

    const waiting = await place.until(async () => {
      const rows = await listRuns(place.database.read, { limit: 5 })
      return rows.find((row) => row.id === second.id && row.reason !== null)
    })
    await engine.cancel(first.id, 'ana', 'now')
    const ended = await place.untilEnded(second.id)

    expect(waiting).toMatchObject({
      state: 'queued',
      reason: `waits for ${first.id}, which is ahead in the concurrency group line`,
    })
    expect(ended.run).toMatchObject({ state: 'succeeded', reason: null })
  })

  test('lists of runs go on where the page before ended', async () => {
    const first = await listRuns(place.database.read, { project: 'counted', limit: 4 })
    const next = await listRuns(place.database.read, { project: 'counted', limit: 4, before: first.at(-1)?.id ?? '' })

    const ids = [...first, ...next].map((run) => run.id)
    expect(new Set(ids).size).toBe(8)
    expect([...ids].sort((a, b) => Number(b.split('#')[1]) - Number(a.split('#')[1]))).toEqual(ids)
  })
})
