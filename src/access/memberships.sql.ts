import { sql } from 'kysely'
import { limit } from '../core/limits.ts'
import type { Role } from '../core/roles.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'

export type MembershipRow = Tables['memberships']

export async function insertMembership(writer: Writer, row: MembershipRow): Promise<boolean> {
  const inserted = await writer
    .insertInto('memberships')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning('subject')
    .executeTakeFirst()
  return inserted !== undefined
}

export async function deleteMembership(writer: Writer, row: MembershipRow): Promise<boolean> {
  const deleted = await writer
    .deleteFrom('memberships')
    .where('project', '=', row.project)
    .where('subject', '=', row.subject)
    .where('role', '=', row.role)
    .returning('subject')
    .executeTakeFirst()
  return deleted !== undefined
}

export async function deleteMembershipsOf(writer: Writer, project: string): Promise<void> {
  await writer.deleteFrom('memberships').where('project', '=', project).execute()
}

export function selectMemberships(reader: Reader, project: string): Promise<MembershipRow[]> {
  return reader
    .selectFrom('memberships')
    .selectAll()
    .where('project', '=', project)
    .orderBy('subject')
    .orderBy('role')
    .limit(limit('pageRows'))
    .execute()
}

/** Of one person or group, in all projects. */
export function selectMembershipsOf(reader: Reader, subject: string): Promise<MembershipRow[]> {
  return reader
    .selectFrom('memberships')
    .selectAll()
    .where('subject', '=', subject)
    .orderBy('project')
    .orderBy('role')
    .limit(limit('pageRows'))
    .execute()
}

/** Held in the project itself or everywhere, by the person or one of their groups. */
export async function selectRoles(reader: Reader, person: string, project: string): Promise<Role[]> {
  const rows = await reader
    .selectFrom('memberships')
    .select('role')
    .distinct()
    .where('project', 'in', [project, '*'])
    .where((where) =>
      where.or([
        where('subject', '=', person),
        where('subject', 'in', (inner) =>
          inner
            .selectFrom('group_members')
            .select(sql<string>`'group:' || group_name`.as('subject'))
            .where('person', '=', person),
        ),
      ]),
    )
    .execute()
  return rows.map((row) => row.role).sort()
}
