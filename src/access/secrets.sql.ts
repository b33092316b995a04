import { limit } from '../core/limits.ts'
import { allRows } from '../db/all-rows.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'

export type SecretRow = Tables['secrets']

export async function upsertSecret(writer: Writer, row: SecretRow): Promise<void> {
  const { project: _project, name: _name, ...changed } = row
  await writer
    .insertInto('secrets')
    .values(row)
    .onConflict((conflict) => conflict.columns(['project', 'name']).doUpdateSet(changed))
    .execute()
}

export async function deleteSecret(writer: Writer, project: string, name: string): Promise<boolean> {
  const row = await writer
    .deleteFrom('secrets')
    .where('project', '=', project)
    .where('name', '=', name)
    .returning('name')
    .executeTakeFirst()
  return row !== undefined
}

export async function deleteSecretsOf(writer: Writer, project: string): Promise<void> {
  await writer.deleteFrom('secrets').where('project', '=', project).execute()
}

export function selectSecrets(reader: Reader, project: string): Promise<Omit<SecretRow, 'sealed'>[]> {
  return reader
    .selectFrom('secrets')
    .select(['project', 'name', 'updated_at', 'updated_by'])
    .where('project', '=', project)
    .orderBy('name')
    .limit(limit('pageRows'))
    .execute()
}

const PAGE = 200

/** Of all projects. */
export function allSealed(reader: Reader): AsyncGenerator<Pick<SecretRow, 'project' | 'name' | 'sealed'>> {
  return allRows({ project: '', name: '' }, ({ project, name }) =>
    reader
      .selectFrom('secrets')
      .select(['project', 'name', 'sealed'])
      .where((where) =>
        where.or([
          where('project', '>', project),
          where.and([where('project', '=', project), where('name', '>', name)]),
        ]),
      )
      .orderBy('project')
      .orderBy('name')
      .limit(PAGE)
      .execute(),
  )
}

/** Who set it, and when, stays. */
export async function updateSealed(
  writer: Writer,
  { project, name, sealed }: Pick<SecretRow, 'project' | 'name' | 'sealed'>,
): Promise<void> {
  await writer.updateTable('secrets').set({ sealed }).where('project', '=', project).where('name', '=', name).execute()
}

export function selectSealed(
  reader: Reader,
  project: string,
  names: readonly string[],
): Promise<Pick<SecretRow, 'name' | 'sealed'>[]> {
  return reader
    .selectFrom('secrets')
    .select(['name', 'sealed'])
    .where('project', '=', project)
    .where('name', 'in', [...names])
    .orderBy('name')
    .execute()
}
