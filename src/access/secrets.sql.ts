import { limit } from '../core/limits.ts'
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

export function selectSecrets(reader: Reader, project: string): Promise<Omit<SecretRow, 'sealed'>[]> {
  return reader
    .selectFrom('secrets')
    .select(['project', 'name', 'updated_at', 'updated_by'])
    .where('project', '=', project)
    .orderBy('name')
    .limit(limit('pageRows'))
    .execute()
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
