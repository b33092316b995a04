import { AppError } from '../core/errors.ts'
import type { Database, Reader } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import { accessChanged } from './access-event.ts'
import { checkName, groupOf } from './names.ts'
import * as sql from './people.sql.ts'

export interface NewPerson {
  readonly name: string
  readonly displayName?: string
  /** Ties the authors of commits to people, so that nobody approves a change of their own. */
  readonly email?: string
}

export interface Person {
  readonly name: string
  readonly displayName: string
  readonly email: string | undefined
  readonly createdAt: number
  readonly disabledAt: number | undefined
}

/** Fails with ALREADY_EXISTS. `by` is the person who does it, for the audit. */
export async function createPerson(database: Database, person: NewPerson, by: string): Promise<Person> {
  checkName('person', person.name)
  return database.write(async (writer) => {
    const row = await sql.insertPerson(writer, {
      name: person.name,
      display_name: person.displayName ?? person.name,
      email: person.email?.toLowerCase() ?? null,
      created_at: Date.now(),
      disabled_at: null,
    })
    if (row === undefined) throw new AppError('ALREADY_EXISTS', `There is a person "${person.name}" already.`)
    const event = accessChanged(`person/${person.name}`, by, { change: 'person created' })
    await appendEvents(writer, database.kind, [event])
    return asPerson(row)
  })
}

/** The tokens of a disabled person are refused from the next request on; what they did stays theirs. */
export async function disablePerson(database: Database, name: string, by: string): Promise<void> {
  await database.write(async (writer) => {
    if (!(await sql.disablePerson(writer, name, Date.now()))) {
      throw new AppError('NOT_FOUND', `There is no enabled person "${name}".`)
    }
    await appendEvents(writer, database.kind, [accessChanged(`person/${name}`, by, { change: 'person disabled' })])
  })
}

/** At most 200, in the order of their names, after `after`. */
export async function listPeople(reader: Reader, after = ''): Promise<Person[]> {
  return (await sql.selectPeople(reader, after)).map(asPerson)
}

/** Which of these people and `group:` names do not exist or are disabled; empty when all is well. */
export async function unknownNames(reader: Reader, names: readonly string[]): Promise<string[]> {
  const groups = names.flatMap((name) => groupOf(name) ?? [])
  const people = names.filter((name) => groupOf(name) === undefined)
  const known = new Set([
    ...(await sql.selectEnabledAmong(reader, people)),
    ...(await sql.selectGroupsAmong(reader, groups)).map((group) => `group:${group}`),
  ])
  return [...new Set(names)].filter((name) => !known.has(name))
}

/** The enabled people behind names and `group:` names, each once, sorted. Unknown names add nobody. */
export async function expandNames(reader: Reader, names: readonly string[]): Promise<string[]> {
  const groups = names.flatMap((name) => groupOf(name) ?? [])
  const people = names.filter((name) => groupOf(name) === undefined)
  const members = await sql.selectMembersOfAll(reader, groups)
  return sql.selectEnabledAmong(reader, [...people, ...members])
}

/** The people whose address stands in a commit, by address in lower case. */
export async function peopleByEmail(reader: Reader, emails: readonly string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const row of await sql.selectByEmail(
    reader,
    emails.map((email) => email.toLowerCase()),
  )) {
    found.set(row.email, [...(found.get(row.email) ?? []), row.name])
  }
  return found
}

function asPerson(row: sql.PersonRow): Person {
  return {
    name: row.name,
    displayName: row.display_name,
    email: row.email ?? undefined,
    createdAt: row.created_at,
    disabledAt: row.disabled_at ?? undefined,
  }
}
