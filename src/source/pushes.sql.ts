import { limit } from '../core/limits.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'

export type PushRow = Tables['pushes']
export type PushUpdateRow = Tables['push_updates']

/** False when the push is there already. */
export async function insertPush(writer: Writer, row: PushRow): Promise<boolean> {
  const inserted = await writer
    .insertInto('pushes')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted !== undefined
}

export async function insertPushUpdates(writer: Writer, rows: readonly PushUpdateRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += 500) {
    await writer
      .insertInto('push_updates')
      .values(rows.slice(start, start + 500))
      .execute()
  }
}

export function selectUnhandled(reader: Reader): Promise<(PushUpdateRow & Omit<PushRow, 'id'>)[]> {
  return reader
    .selectFrom('push_updates')
    .innerJoin('pushes', 'pushes.id', 'push_updates.push_id')
    .select([
      'push_updates.push_id',
      'push_updates.ref',
      'push_updates.old_commit',
      'push_updates.new_commit',
      'push_updates.handled_at',
      'pushes.repository',
      'pushes.person',
      'pushes.at',
    ])
    .where('push_updates.handled_at', 'is', null)
    .orderBy('pushes.at')
    .orderBy('push_updates.push_id')
    .orderBy('push_updates.ref')
    .limit(limit('pageRows'))
    .execute()
}

export async function updateHandled(writer: Writer, pushId: string, ref: string, at: number): Promise<boolean> {
  const row = await writer
    .updateTable('push_updates')
    .set({ handled_at: at })
    .where('push_id', '=', pushId)
    .where('ref', '=', ref)
    .where('handled_at', 'is', null)
    .returning('ref')
    .executeTakeFirst()
  return row !== undefined
}

export function selectUpdates(reader: Reader, pushId: string): Promise<PushUpdateRow[]> {
  return reader
    .selectFrom('push_updates')
    .selectAll()
    .where('push_id', '=', pushId)
    .orderBy('ref')
    .limit(10_000)
    .execute()
}
