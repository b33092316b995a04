import type { Insertable } from 'kysely'
import type { Reader } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'

type CacheRow = Tables['step_cache']

export async function findCached(reader: Reader, scope: string, key: string): Promise<CacheRow | undefined> {
  return reader
    .selectFrom('step_cache')
    .selectAll()
    .where('scope', '=', scope)
    .where('key', '=', key)
    .executeTakeFirst()
}

/** How many earlier outputs of a step a miss is explained by. */
const RECENT = 20

/** The parts of outputs that this step of the project made last, used last first: what others read is not theirs to see. */
export async function findRecentParts(reader: Reader, scope: string, project: string, step: string): Promise<string[]> {
  const recent = await reader
    .selectFrom('step_cache')
    .select('parts')
    .where('step', '=', step)
    .where('scope', '=', scope)
    .where('project', '=', project)
    .orderBy('used_at', 'desc')
    .orderBy('key')
    .limit(RECENT)
    .execute()
  return recent.map(({ parts }) => parts)
}

export async function storeCached(writer: Reader, row: Insertable<CacheRow>): Promise<void> {
  const { outputs, parts, project, step, run_id, created_at, used_at } = row
  await writer
    .insertInto('step_cache')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['scope', 'key']).doUpdateSet({ outputs, parts, project, step, run_id, created_at, used_at }),
    )
    .execute()
}

export async function touchCached(writer: Reader, scope: string, key: string, at: number): Promise<void> {
  await writer
    .updateTable('step_cache')
    .set({ used_at: at })
    .where('scope', '=', scope)
    .where('key', '=', key)
    .execute()
}
