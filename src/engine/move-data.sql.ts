import { sql } from 'kysely'
import type { Writer } from '../db/open-database.ts'

/**
 * Attempts, and their handles on this machine, are named by their folders: tells them that the data folder
 * is another one now. What was cached of build environments in the old one is forgotten, so that they are
 * built again here.
 */
export async function moveDataFolder(writer: Writer, from: string, to: string): Promise<void> {
  const length = from.length + 1
  const below = `${from}/`
  for (const column of ['folder', 'handle'] as const) {
    await writer
      .updateTable('attempts')
      .set({ [column]: sql<string>`${to} || substr(${sql.ref(column)}, ${length})` })
      .where(sql<string>`substr(${sql.ref(column)}, 1, ${length})`, '=', below)
      .execute()
  }
  await writer
    .deleteFrom('step_cache')
    .where('outputs', 'like', `%${JSON.stringify(`${from}/environments/`).slice(1, -1)}%`)
    .execute()
}
