import { AppError } from '../core/errors.ts'
import type { Database, Reader, Writer } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import { accessChanged } from './access-event.ts'
import { checkName } from './names.ts'
import * as sql from './people.sql.ts'

/** Fails with ALREADY_EXISTS. */
export async function createGroup(database: Database, name: string, by: string): Promise<void> {
  checkName('group', name)
  await database.write(async (writer) => {
    if (!(await sql.insertGroup(writer, name, Date.now()))) {
      throw new AppError('ALREADY_EXISTS', `There is a group "${name}" already.`)
    }
    await appendEvents(writer, database.kind, [accessChanged(`group:${name}`, by, { change: 'group created' })])
  })
}

/** Adding a member twice is a success; a group or person that does not exist is NOT_FOUND. */
export async function addMember(database: Database, group: string, person: string, by: string): Promise<void> {
  await database.write(async (writer) => {
    await refuseUnknown(writer, group, person)
    if (!(await sql.insertMember(writer, group, person))) return
    const event = accessChanged(`group:${group}`, by, { change: 'member added', person })
    await appendEvents(writer, database.kind, [event])
  })
}

/** Removing who is no member is a success. */
export async function removeMember(database: Database, group: string, person: string, by: string): Promise<void> {
  await database.write(async (writer) => {
    if (!(await sql.deleteMember(writer, group, person))) return
    const event = accessChanged(`group:${group}`, by, { change: 'member removed', person })
    await appendEvents(writer, database.kind, [event])
  })
}

/** At most 200 names, sorted, after `after`. */
export function listGroups(reader: Reader, after = ''): Promise<string[]> {
  return sql.selectGroups(reader, after)
}

/** The people in a group, sorted; nobody for a group that does not exist. */
export function membersOf(reader: Reader, group: string): Promise<string[]> {
  return sql.selectMembersOfAll(reader, [group])
}

async function refuseUnknown(writer: Writer, group: string, person: string): Promise<void> {
  if ((await sql.selectGroupsAmong(writer, [group])).length === 0) {
    throw new AppError('NOT_FOUND', `There is no group "${group}". Create it first.`)
  }
  if ((await sql.selectEnabledAmong(writer, [person])).length === 0) {
    throw new AppError('NOT_FOUND', `There is no enabled person "${person}". Add one with \`tidegate person add\`.`)
  }
}
