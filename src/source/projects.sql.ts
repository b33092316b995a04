import type { Priority } from '../core/priority.ts'
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

export async function updatePriority(
  writer: Writer,
  name: string,
  priority: Priority,
): Promise<ProjectRow | undefined> {
  return writer.updateTable('projects').set({ priority }).where('name', '=', name).returningAll().executeTakeFirst()
}

/** Of projects whose priority is not the usual one. */
export function selectPriorities(reader: Reader): Promise<Pick<ProjectRow, 'name' | 'priority'>[]> {
  return reader
    .selectFrom('projects')
    .select(['name', 'priority'])
    .where('priority', '!=', 'normal')
    .orderBy('name')
    .execute()
}

export async function deleteProject(writer: Writer, name: string): Promise<void> {
  await writer.deleteFrom('projects').where('name', '=', name).execute()
}

export function selectProject(reader: Reader, name: string): Promise<ProjectRow | undefined> {
  return reader.selectFrom('projects').selectAll().where('name', '=', name).executeTakeFirst()
}

/** All there are in a repository: their number has a limit. */
export function selectProjectsIn(reader: Reader, repository: string): Promise<ProjectRow[]> {
  return reader
    .selectFrom('projects')
    .selectAll()
    .where('repository', '=', repository)
    .orderBy('name')
    .limit(limit('repositoryProjects'))
    .execute()
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
