import { AppError } from '../core/errors.ts'
import type { Role } from '../core/roles.ts'
import type { Database, Reader } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import { accessChanged } from './access-event.ts'
import * as sql from './memberships.sql.ts'
import { unknownNames } from './people.ts'

export interface Membership {
  /** A project's name, or `*` for all. */
  readonly project: string
  /** A person's name, or `group:<name>`. */
  readonly subject: string
  readonly role: Role
}

/** Granting twice is a success. Fails with NOT_FOUND for a person or group that does not exist. */
export async function grantRole(database: Database, membership: Membership, by: string): Promise<void> {
  const { project, subject, role } = membership
  await database.write(async (writer) => {
    if ((await unknownNames(writer, [subject])).length > 0) {
      throw new AppError('NOT_FOUND', `There is no person or group "${subject}" to be ${role}. Add them first.`)
    }
    if (!(await sql.insertMembership(writer, { project, subject, role }))) return
    const event = accessChanged(subjectName(subject), by, { change: 'role granted', role }, scope(project))
    await appendEvents(writer, database.kind, [event])
  })
}

/** Withdrawing what is not held is a success. */
export async function withdrawRole(database: Database, membership: Membership, by: string): Promise<void> {
  const { project, subject, role } = membership
  await database.write(async (writer) => {
    if (!(await sql.deleteMembership(writer, { project, subject, role }))) return
    const event = accessChanged(subjectName(subject), by, { change: 'role withdrawn', role }, scope(project))
    await appendEvents(writer, database.kind, [event])
  })
}

/** Of one project, or of `*`. */
export function listMemberships(reader: Reader, project: string): Promise<Membership[]> {
  return sql.selectMemberships(reader, project)
}

function subjectName(subject: string): string {
  return subject.startsWith('group:') ? subject : `person/${subject}`
}

function scope(project: string): string | null {
  return project === '*' ? null : project
}
