import type { EventKind } from '../core/events.ts'
import type { Database, Reader } from './open-database.ts'

/** In one transaction: nobody who writes beside it waits for more than these. */
const BATCH = 2_000

/**
 * Removes events of these kinds from before `since` (UTC epoch milliseconds) that no consumer has yet to hear of. Answers how many
 * they are, in a dry run too. An id is never given again, so who follows the events goes on where it was.
 */
export async function forgetEvents(
  database: Database,
  kinds: readonly EventKind[],
  since: number,
  dryRun: boolean,
): Promise<number> {
  const { read } = database
  const end = Math.min(await firstIdSince(read, since), (await lowestCursor(read)) + 1)
  let count = 0
  for (let after = 0; ;) {
    const ids = await idsBetween(read, kinds, after, end)
    const last = ids.at(-1)
    if (last === undefined) return count
    if (!dryRun) await removeBetween(database, kinds, after, last)
    count += ids.length
    after = last
  }
}

async function idsBetween(reader: Reader, kinds: readonly EventKind[], after: number, end: number): Promise<number[]> {
  const rows = await reader
    .selectFrom('events')
    .select('id')
    .where('id', '>', after)
    .where('id', '<', end)
    .where('kind', 'in', kinds)
    .orderBy('id')
    .limit(BATCH)
    .execute()
  return rows.map(({ id }) => id)
}

function removeBetween(database: Database, kinds: readonly EventKind[], after: number, last: number): Promise<unknown> {
  return database.write((writer) =>
    writer.deleteFrom('events').where('id', '>', after).where('id', '<=', last).where('kind', 'in', kinds).execute(),
  )
}

/** By halves: ids grow with time, and there is no index by time. Where the clock was set back, somewhere near. */
async function firstIdSince(reader: Reader, since: number): Promise<number> {
  const { newest } = await reader
    .selectFrom('events')
    .select(({ fn }) => fn.max('id').as('newest'))
    .executeTakeFirstOrThrow()
  let [low, high] = [1, (newest ?? 0) + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const query = reader.selectFrom('events').select(['id', 'at']).where('id', '>=', middle).orderBy('id').limit(1)
    const found = await query.executeTakeFirst()
    if (found === undefined || found.at >= since) high = middle
    else low = found.id + 1
  }
  return low
}

/** Infinite where nobody consumes. */
async function lowestCursor(reader: Reader): Promise<number> {
  const { lowest } = await reader
    .selectFrom('cursors')
    .select(({ fn }) => fn.min('last_id').as('lowest'))
    .executeTakeFirstOrThrow()
  return lowest ?? Infinity
}
