import { describe, expect, test, vi } from 'vitest'
import { STEP_EVENTS } from '../../src/core/events.ts'
import { forgetEvents } from '../../src/db/forget-events.ts'
import type { Database } from '../../src/db/open-database.ts'
import { appendEvents, newestEventId, readEvents } from '../../src/db/outbox.ts'
import { DATABASES, openTestDatabase } from '../harness/databases.ts'

const HOUR_MS = 3_600_000

/** `count` pairs of a step's event and its run's, all at this time. */
async function happen(database: Database, at: number, count: number): Promise<void> {
  using _clock = vi.spyOn(Date, 'now').mockReturnValue(at)
  const pair = (name: string) =>
    (['step.ended', 'run.ended'] as const).map((kind) => ({ kind, project: 'p', subject: name, data: {} }))
  const events = Array.from({ length: count }, (_, at) => pair(`p#${at}`)).flat()
  await database.write((writer) => appendEvents(writer, database.kind, events))
}

const countOf = async (database: Database, kind: string) =>
  (await readEvents(database.read, 0, 100_000)).filter((event) => event.kind === kind).length

function reachCursor(database: Database, consumer: string, last_id: number): Promise<unknown> {
  return database.write((writer) => writer.insertInto('cursors').values({ consumer, last_id }).execute())
}

describe.each(DATABASES)('on %s', (kind) => {
  test('events of steps go when their time is over, more than one batch of them; a dry run only counts', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    for (let hour = 1; hour <= 6; hour++) await happen(database, hour * HOUR_MS, 1_000)

    const told = await forgetEvents(database, STEP_EVENTS, 5 * HOUR_MS, true)
    const before = await countOf(database, 'step.ended')
    const done = await forgetEvents(database, STEP_EVENTS, 5 * HOUR_MS, false)
    const again = await forgetEvents(database, STEP_EVENTS, 5 * HOUR_MS, false)

    expect([told, before, done, again]).toEqual([4_000, 6_000, 4_000, 0])
    expect(await countOf(database, 'step.ended')).toBe(2_000)
    expect(await countOf(database, 'run.ended')).toBe(6_000)
  })

  test('what a consumer has yet to hear of stays, and an id is never given again', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    await happen(database, HOUR_MS, 5)
    await reachCursor(database, 'ahead', 10)
    await reachCursor(database, 'behind', 4)
    const early = await forgetEvents(database, STEP_EVENTS, 2 * HOUR_MS, false)
    await database.write((writer) => writer.updateTable('cursors').set({ last_id: 10 }).execute())
    const late = await forgetEvents(database, ['step.ended', 'run.ended'], 2 * HOUR_MS, false)
    await happen(database, 3 * HOUR_MS, 1)

    expect([early, late]).toEqual([2, 8])
    expect(await newestEventId(database.read)).toBe(12)
  })

  test('of none there is none to forget', async () => {
    await using opened = await openTestDatabase(kind)
    expect(await forgetEvents(opened.database, STEP_EVENTS, HOUR_MS, false)).toBe(0)
  })
})
