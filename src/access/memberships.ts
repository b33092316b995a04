import { AppError } from '../core/errors.ts'
import type { Role } from '../core/roles.ts'
import type { Database, Reader, Writer } from '../db/open-database.ts'
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

/** Withdrawing what is not held is a success. Fails with STATE_CONFLICT for the last admin there is. */
export async function withdrawRole(database: Database, membership: Membership, by: string): Promise<void> {
  const { project, subject, role } = membership
  await database.write(async (writer) => {
    if (!(await sql.deleteMembership(writer, { project, subject, role }))) return
    if (role === 'admin' && project === '*') await refuseLastAdmin(writer, subject)
    const event = accessChanged(subjectName(subject), by, { change: 'role withdrawn', role }, scope(project))
    await appendEvents(writer, database.kind, [event])
  })
}

async function refuseLastAdmin(writer: Writer, subject: string): Promise<void> {
  const everywhere = await sql.selectMemberships(writer, '*')
  if (everywhere.some(({ role }) => role === 'admin')) return
  throw new AppError(
    'STATE_CONFLICT',
    `${subject} is the last admin: nobody could add people or grant roles any more. Make somebody else admin first.`,
    { subject },
  )
}

/** Of one person, or of a group as `group:<name>`. */
export function membershipsOf(reader: Reader, subject: string): Promise<Membership[]> {
  return sql.selectMembershipsOf(reader, subject)
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
