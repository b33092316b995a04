import { setTimeout as sleep } from 'node:timers/promises'
import { sql, type Selectable } from 'kysely'
import type { AppEvent, EventKind, NewEvent } from '../core/events.ts'
import { reach } from '../core/points.ts'
import type { Database, Reader, Writer } from './open-database.ts'
import { preparedFor } from './prepared.ts'
import type { Tables } from './tables.ts'

/**
 * Writes events in the transaction of the change they tell of. On Postgres appenders queue for a lock
 * until they commit: without it a smaller id could appear after a larger one, and a reader that has passed
 * it would never see it.
 */
export async function appendEvents(writer: Writer, kind: Database['kind'], events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return
  await lockEvents(writer, kind)
  const at = Date.now()
  const values = events.flatMap(({ kind: what, project, subject, data }) => [
    at,
    what,
    project,
    subject,
    JSON.stringify(data),
  ])
  await insertEvents(writer, events.length, values)
}

const insertEvents = preparedFor<number, object>((writer, count, values) =>
  writer.insertInto('events').values(
    Array.from({ length: count }, (_, row) => {
      const [at, kind, project, subject, data] = values.slice(row * 5) as [never, never, never, never, never]
      return { at, kind, project, subject, data }
    }),
  ),
)

/**
 * Takes the appenders' place in the queue at once. A transaction that changes rows which others change too,
 * and appends events, begins with this: two that took rows first could wait for each other.
 */
export async function lockEvents(writer: Writer, kind: Database['kind']): Promise<void> {
  if (kind === 'postgres') await sql`select pg_advisory_xact_lock(7070002)`.execute(writer)
}

export interface EventFilter {
  readonly project?: string
  readonly subjectPrefix?: string
}

/** Whether this ever happened to the project. */
export async function hasHappened(reader: Reader, kind: EventKind, project: string): Promise<boolean> {
  const query = reader.selectFrom('events').select('id').where('project', '=', project).where('kind', '=', kind)
  return (await query.orderBy('id').limit(1).executeTakeFirst()) !== undefined
}

/** Events after `afterId`, oldest first, at most `limit`. */
export async function readEvents(
  reader: Reader,
  afterId: number,
  limit: number,
  filter: EventFilter = {},
): Promise<AppEvent[]> {
  const { project, subjectPrefix } = filter
  const subject = subjectPrefix === undefined ? [] : [`${subjectPrefix}%`]
  const shape = `${project === undefined ? '' : 'project'} ${subjectPrefix === undefined ? '' : 'subject'}`
  const values = [afterId, limit, ...subject, ...(project === undefined ? [] : [project])]
  const rows = await selectEvents(reader, shape, values)
  return rows.map((row) => ({ ...row, data: JSON.parse(row.data) as Record<string, unknown> }))
}

const selectEvents = preparedFor<string, Selectable<Tables['events']>>(
  (reader, shape, [afterId, limit, ...filters]) => {
    let query = reader.selectFrom('events').selectAll().where('id', '>', afterId!).orderBy('id').limit(limit!)
    if (shape.endsWith('subject')) query = query.where('subject', 'like', filters[0]!)
    if (shape.startsWith('project')) query = query.where('project', '=', filters.at(-1)!)
    return query
  },
)

/** Which events of these kinds there were after `afterId`, and about what; oldest first, at most `limit`. */
export async function readChanges(
  reader: Reader,
  afterId: number,
  kinds: readonly EventKind[],
  limit: number,
): Promise<{ id: number; subject: string }[]> {
  return selectChanges(reader, kinds.length, [afterId, limit, ...kinds])
}

const selectChanges = preparedFor<number, { id: number; subject: string }>((reader, _, [afterId, limit, ...kinds]) =>
  reader
    .selectFrom('events')
    .select(['id', 'subject'])
    .where('id', '>', afterId!)
    .where('kind', 'in', kinds)
    .orderBy('id')
    .limit(limit!),
)

/** The id of the oldest event about exactly this, 1 when there is none. */
export async function firstEventId(reader: Reader, subject: string): Promise<number> {
  const query = reader.selectFrom('events').select('id').where('subject', '=', subject)
  return (await query.orderBy('id').limit(1).executeTakeFirst())?.id ?? 1
}

/** The id of the newest event, 0 when there is none. */
export async function newestEventId(reader: Reader): Promise<number> {
  const row = await reader
    .selectFrom('events')
    .select(({ fn }) => fn.max('id').as('id'))
    .executeTakeFirst()
  return row?.id ?? 0
}

/** Between looks when no commit of this process said that there is something. */
const SAFETY_POLL_MS = 1_000

/**
 * Events as they come, without end: history after `afterId` first, then live. Stops when `signal` aborts.
 * What other processes write is seen within a second. Where commits of this process come one after another, a look follows
 * every `paceMs`.
 */
export async function* followEvents(
  database: Database,
  afterId: number,
  signal: AbortSignal,
  filter: EventFilter = {},
  paceMs = PACE_MS,
): AsyncGenerator<AppEvent> {
  let last = afterId
  const bell = commitBell(database, paceMs)
  try {
    while (!signal.aborted) {
      const events = await readEvents(database.read, last, 500, filter)
      for (const event of events) {
        last = event.id
        yield event
      }
      if (events.length === 0) await bell.wait(SAFETY_POLL_MS, signal)
    }
  } finally {
    bell.stop()
  }
}

/** Where commits come one after another, several are looked at together: a look costs as much as a small commit. */
const PACE_MS = 50

/**
 * Rings when a transaction of this process commits; a ring that came while nobody waited is not lost. At once after
 * a pause, and then not more often than every `paceMs`.
 */
export function commitBell(
  database: Database,
  paceMs = PACE_MS,
): {
  wait(timeoutMs: number, signal: AbortSignal): Promise<void>
  stop(): void
} {
  let rung = false
  let answeredAt = -Infinity
  let wake: (() => void) | undefined
  const stop = database.onCommit(() => {
    rung = true
    wake?.()
  })
  return {
    stop,
    async wait(timeoutMs, signal) {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const done = () => {
            clearTimeout(timer)
            signal.removeEventListener('abort', done)
            resolve()
          }
          const timer = setTimeout(done, timeoutMs)
          wake = done
          signal.addEventListener('abort', done, { once: true })
        })
      }
      wake = undefined
      const restMs = answeredAt + paceMs - performance.now()
      if (restMs > 0) await sleep(restMs)
      answeredAt = performance.now()
      rung = false
    },
  }
}

export interface Consumer {
  /** Names its cursor, which says how far it has come. */
  readonly name: string
  /** What it never hears of. */
  readonly except?: readonly EventKind[]
  handle(event: AppEvent): Promise<void>
  onError(error: unknown, event: AppEvent): void
}

/** The cursor is written once for so many events that were nothing to the consumer. */
const SKIPPED_PER_CURSOR = 1_000

/**
 * Hands every event but the excepted ones to `handle`, in order, at least once, across restarts: the cursor moves
 * after the handler has returned. A handler that throws is called again with the same event after a pause, so
 * it must be idempotent, and must refuse for good by returning.
 */
export async function consumeEvents(database: Database, consumer: Consumer, signal: AbortSignal): Promise<void> {
  let skipped = 0
  for await (const event of followEvents(database, await cursorOf(database.read, consumer.name), signal)) {
    const isMeant = consumer.except?.includes(event.kind) !== true
    if (isMeant && !(await handleEvent(consumer, event, signal))) return
    skipped = isMeant ? 0 : skipped + 1
    if (skipped % SKIPPED_PER_CURSOR === 0) await moveCursor(database, consumer.name, event.id)
  }
}

/** False: it was to stop before the event was handled. */
async function handleEvent(consumer: Consumer, event: AppEvent, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    try {
      await consumer.handle(event)
      await reach('event handled', `${consumer.name} ${event.kind} ${event.subject}`)
      return true
    } catch (error) {
      consumer.onError(error, event)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
  return false
}

async function cursorOf(reader: Reader, consumer: string): Promise<number> {
  const row = await reader.selectFrom('cursors').select('last_id').where('consumer', '=', consumer).executeTakeFirst()
  return row?.last_id ?? 0
}

async function moveCursor(database: Database, consumer: string, id: number): Promise<void> {
  await database.write(
    (writer) =>
      writer
        .insertInto('cursors')
        .values({ consumer, last_id: id })
        .onConflict((conflict) => conflict.column('consumer').doUpdateSet({ last_id: id }))
        .execute(),
    { quiet: true },
  )
}
