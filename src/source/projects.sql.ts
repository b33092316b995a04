import { limit } from '../core/limits.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'

export type ProjectRow = Tables['projects']

export async function insertProject(writer: Writer, row: ProjectRow): Promise<boolean> {
  const inserted = await writer
    .insertInto('projects')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning('name')
    .executeTakeFirst()
  return inserted !== undefined
}

export function selectProject(reader: Reader, name: string): Promise<ProjectRow | undefined> {
  return reader.selectFrom('projects').selectAll().where('name', '=', name).executeTakeFirst()
}

export function selectProjects(reader: Reader, after: string): Promise<ProjectRow[]> {
  return reader
    .selectFrom('projects')
    .selectAll()
    .where('name', '>', after)
    .orderBy('name')
    .limit(limit('pageRows'))
    .execute()
}
