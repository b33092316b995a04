import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { ALERT_TRANSITIONS } from '../../src/core/deployment-state.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import type { AppEvent } from '../../src/core/events.ts'
import { appendEvents, consumeEvents, followEvents, readEvents } from '../../src/db/outbox.ts'
import { transition, tryTransition } from '../../src/db/transition.ts'
import { DATABASES, openTestDatabase, type TestDatabase } from '../harness/databases.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestDatabase
  beforeAll(async () => {
    place = await openTestDatabase(kind)
  })
  afterAll(() => place[Symbol.asyncDispose]())

  const alert = (id: string) => ({
    id,
    project: 'p',
    environment: 'e',
    monitor: 'm',
    kind: 'drift',
    version: 1,
    state: 'firing' as const,
    summary: '',
    evidence: '{}',
    fired_at: 1,
    resolved_at: null,
  })

  test('a row moves once, and a second mover is told', async () => {
    const { database } = place
    await database.write((writer) => writer.insertInto('alerts').values(alert('a')).execute())
    const move = {
      table: 'alerts',
      transitions: ALERT_TRANSITIONS,
      event: 'resolve',
      where: { id: 'a' },
      set: { resolved_at: 5 },
    } as const

    const moved = await database.write((writer) => tryTransition(writer, move))
    const again = await database.write((writer) => tryTransition(writer, move))
    const told = await database.write((writer) => transition(writer, move, 'Alert a')).catch((error: unknown) => error)

    expect(moved).toMatchObject({ state: 'resolved', resolved_at: 5 })
    expect(again).toBeUndefined()
    expect(isAppError(told, 'STATE_CONFLICT')).toBe(true)
  })

  test('of many concurrent movers exactly one wins', async () => {
    const { database } = place
    await database.write((writer) => writer.insertInto('alerts').values(alert('b')).execute())
    const movers = Array.from({ length: 12 }, () =>
      database.write((writer) =>
        tryTransition(writer, {
          table: 'alerts',
          transitions: ALERT_TRANSITIONS,
          event: 'resolve',
          where: { id: 'b' },
        }),
      ),
    )

    const moved = (await Promise.all(movers)).filter((row) => row !== undefined)

    expect(moved).toHaveLength(1)
  })

  test('a transaction that throws leaves neither its change nor its event', async () => {
    const { database } = place
    const failing = database.write(async (writer) => {
      await appendEvents(writer, kind, [{ kind: 'alert.fired', project: 'rolled', subject: 'x', data: {} }])
      throw new Error('no')
    })

    await expect(failing).rejects.toThrow('no')

    expect(await readEvents(database.read, 0, 10, { project: 'rolled' })).toEqual([])
  })

  test('a reader that follows sees history, then what is committed, in order and once', async () => {
    const { database } = place
    const write = (subject: string) =>
      database.write((writer) =>
        appendEvents(writer, kind, [{ kind: 'alert.fired', project: 'follow', subject, data: { subject } }]),
      )
    await write('0')
    const stop = new AbortController()
    const seen: string[] = []
    const following = (async () => {
      for await (const event of followEvents(database, 0, stop.signal, { project: 'follow' })) {
        seen.push(event.subject)
        if (seen.length === 21) stop.abort()
      }
    })()

    await Promise.all(Array.from({ length: 20 }, (_, index) => write(String(index + 1))))
    await following

    expect(seen[0]).toBe('0')
    expect(new Set(seen).size).toBe(21)
  })

  test('a consumer whose handler fails gets the same event again', async () => {
    const { database } = place
    await database.write((writer) =>
      appendEvents(writer, kind, [{ kind: 'alert.fired', project: 'again', subject: 'one', data: {} }]),
    )
    const stop = new AbortController()
    let calls = 0
    const handle = async (event: { project: string | null }) => {
      if (event.project !== 'again') return
      calls += 1
      if (calls === 1) throw new Error('first time')
      stop.abort()
    }

    await consumeEvents(database, { name: 'test', handle, onError: () => undefined }, stop.signal)

    expect(calls).toBe(2)
  })

  test('a consumer never hears of the events it leaves out, and comes past them', async () => {
    const { database } = place
    const project = 'leaves-out'
    const kinds = ['step.started', 'run.started', 'step.ended', 'run.ended'] as const
    await database.write((writer) =>
      appendEvents(
        writer,
        kind,
        kinds.map((each) => ({ kind: each, project, subject: each, data: {} })),
      ),
    )
    const stop = new AbortController()
    const heard: string[] = []
    const handle = async (event: AppEvent) => {
      if (event.project === project) heard.push(event.kind)
      if (event.kind === 'run.ended' && event.project === project) stop.abort()
    }

    const except = ['step.started', 'step.ended'] as const
    await consumeEvents(database, { name: 'leaves-out', except, handle, onError: () => undefined }, stop.signal)

    expect(heard).toEqual(['run.started', 'run.ended'])
    const [last] = (await readEvents(database.read, 0, 1_000, { project })).slice(-1)
    const cursor = database.read.selectFrom('cursors').select('last_id').where('consumer', '=', 'leaves-out')
    expect(await cursor.executeTakeFirst()).toEqual({ last_id: last?.id })
  })

  test('of transactions that are asked for together those that throw leave nothing, and the others stay', async () => {
    const { database } = place
    const note = (at: number) =>
      database.write(async (writer) => {
        await appendEvents(writer, kind, [{ kind: 'labels.received', project: 'together', subject: `${at}`, data: {} }])
        if (at % 3 === 0) throw new Error(`${at} fails`)
        return at
      })

    const outcomes = await Promise.allSettled(Array.from({ length: 120 }, (_, at) => note(at)))

    const isKept = (at: number) => at % 3 !== 0
    expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(outcomes.map((_, at) => isKept(at)))
    const kept = await readEvents(database.read, 0, 1_000, { project: 'together' })
    expect(kept.map(({ subject }) => Number(subject)).sort((a, b) => a - b)).toEqual(
      outcomes.flatMap((_, at) => (isKept(at) ? [at] : [])),
    )
  })

  test('who listens for commits is woken by a write, and not by a quiet one', async () => {
    const { database } = place
    let woken = 0
    const stop = database.onCommit(() => (woken += 1))
    const write = (quiet: boolean) =>
      database.write((writer) => writer.deleteFrom('cursors').where('consumer', '=', 'nobody').execute(), { quiet })

    await write(true)
    expect(woken).toBe(0)
    await write(false)
    stop()

    expect(woken).toBe(1)
  })

  test('what is written ahead is seen by readers at once, and told to others when the disk has it', async () => {
    const { database } = place
    let woken = 0
    const stop = database.onCommit(() => (woken += 1))

    const { result, durable } = await database.writeAhead(async (writer) => {
      await writer.insertInto('alerts').values(alert('ahead')).execute()
      return 'written'
    })

    expect(result).toBe('written')
    expect(await database.read.selectFrom('alerts').select('id').where('id', '=', 'ahead').execute()).toHaveLength(1)
    await durable
    stop()
    expect(woken).toBe(1)
    const refused = database.writeAhead((writer) => writer.insertInto('alerts').values(alert('ahead')).execute())
    await expect(refused).rejects.toThrow(/unique/i)
  })

  test('a schema that a newer Tidegate wrote is refused by its number', async () => {
    const other = await openTestDatabase(kind)
    await other.database.write((writer) =>
      writer.updateTable('meta').set({ value: '999' }).where('key', '=', 'schema').execute(),
    )

    const refused = await openDatabase(other.url).catch((error: unknown) => error)

    expect(isAppError(refused, 'NEWER_SCHEMA')).toBe(true)
    expect(String(refused)).toContain('999')
    await other[Symbol.asyncDispose]()
  })

  test('reading while a transaction is open does not wait for it', async () => {
    const { database } = place
    const rows = await database.write(async (writer) => {
      await writer.insertInto('alerts').values(alert('c')).execute()
      return database.read.selectFrom('alerts').select('id').where('id', '=', 'c').execute()
    })

    expect(rows).toEqual([])
  })
})

test('a SQLite database whose schema is up to date is opened while another process writes', async () => {
  await using place = await openTestDatabase('sqlite')
  using other = new DatabaseSync(place.url.slice('sqlite:'.length))
  other.exec('begin immediate')

  await using again = await openDatabase(place.url)

  expect(await again.read.selectFrom('meta').selectAll().execute()).toHaveLength(1)
})
