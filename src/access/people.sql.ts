import { limit } from '../core/limits.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'

export type PersonRow = Tables['people']

export function insertPerson(writer: Writer, row: PersonRow): Promise<PersonRow | undefined> {
  return writer
    .insertInto('people')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
}

export async function disablePerson(writer: Writer, name: string, at: number): Promise<boolean> {
  const row = await writer
    .updateTable('people')
    .set({ disabled_at: at })
    .where('name', '=', name)
    .where('disabled_at', 'is', null)
    .returning('name')
    .executeTakeFirst()
  return row !== undefined
}

export function selectPeople(reader: Reader, after: string): Promise<PersonRow[]> {
  return reader
    .selectFrom('people')
    .selectAll()
    .where('name', '>', after)
    .orderBy('name')
    .limit(limit('pageRows'))
    .execute()
}

export async function anyPerson(reader: Reader): Promise<boolean> {
  return (await reader.selectFrom('people').select('name').limit(1).executeTakeFirst()) !== undefined
}

export async function selectEnabledAmong(reader: Reader, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const rows = await reader
    .selectFrom('people')
    .select('name')
    .where('name', 'in', [...new Set(names)])
    .where('disabled_at', 'is', null)
    .orderBy('name')
    .execute()
  return rows.map((row) => row.name).sort()
}

export async function selectByEmail(
  reader: Reader,
  emails: readonly string[],
): Promise<{ name: string; email: string }[]> {
  if (emails.length === 0) return []
  const rows = await reader
    .selectFrom('people')
    .select(['name', 'email'])
    .where('email', 'in', [...new Set(emails)])
    .orderBy('name')
    .execute()
  return rows.flatMap((row) => (row.email === null ? [] : [{ name: row.name, email: row.email }]))
}

export async function insertGroup(writer: Writer, name: string, at: number): Promise<boolean> {
  const row = await writer
    .insertInto('groups')
    .values({ name, created_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .returning('name')
    .executeTakeFirst()
  return row !== undefined
}

export async function selectGroups(reader: Reader, after: string): Promise<string[]> {
  const rows = await reader
    .selectFrom('groups')
    .select('name')
    .where('name', '>', after)
    .orderBy('name')
    .limit(limit('pageRows'))
    .execute()
  return rows.map((row) => row.name)
}

export async function selectGroupsAmong(reader: Reader, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const rows = await reader
    .selectFrom('groups')
    .select('name')
    .where('name', 'in', [...new Set(names)])
    .execute()
  return rows.map((row) => row.name)
}

export async function insertMember(writer: Writer, group: string, person: string): Promise<boolean> {
  const row = await writer
    .insertInto('group_members')
    .values({ group_name: group, person })
    .onConflict((conflict) => conflict.doNothing())
    .returning('person')
    .executeTakeFirst()
  return row !== undefined
}

export async function deleteMember(writer: Writer, group: string, person: string): Promise<boolean> {
  const row = await writer
    .deleteFrom('group_members')
    .where('group_name', '=', group)
    .where('person', '=', person)
    .returning('person')
    .executeTakeFirst()
  return row !== undefined
}

export async function selectMembersOfAll(reader: Reader, groups: readonly string[]): Promise<string[]> {
  if (groups.length === 0) return []
  const rows = await reader
    .selectFrom('group_members')
    .select('person')
    .distinct()
    .where('group_name', 'in', [...new Set(groups)])
    .execute()
  return rows.map((row) => row.person).sort()
}
