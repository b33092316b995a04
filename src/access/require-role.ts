import { AppError } from '../core/errors.ts'
import { roleIncludes, type Role } from '../core/roles.ts'
import type { Reader } from '../db/open-database.ts'
import { selectRoles } from './memberships.sql.ts'
import type { Identity } from '../core/identity.ts'

/** Of an identity, what roles hang on: a step's token has none. */
type Person = Pick<Identity, 'person' | 'runId'>

/** What the person was granted in this project or everywhere, directly or through groups. `*` asks for everywhere only. */
export async function rolesOf(reader: Reader, identity: Person, project: string): Promise<Role[]> {
  if (identity.runId !== undefined) return []
  return selectRoles(reader, identity.person, project)
}

export async function hasRole(reader: Reader, identity: Person, project: string, role: Role): Promise<boolean> {
  const held = await rolesOf(reader, identity, project)
  return held.some((one) => roleIncludes(one, role))
}

/** Fails with FORBIDDEN, naming the person, the role that is needed and what they have. */
export async function requireRole(reader: Reader, identity: Identity, project: string, role: Role): Promise<void> {
  const held = await rolesOf(reader, identity, project)
  if (held.some((one) => roleIncludes(one, role))) return
  throw new AppError('FORBIDDEN', refusal(identity, project, role, held), {
    person: identity.person,
    role,
    project,
    held,
  })
}

function refusal(identity: Identity, project: string, role: Role, held: readonly Role[]): string {
  if (identity.runId !== undefined) {
    return `This needs the role ${role}. The token belongs to a run and may read and write that run only; use a person's token.`
  }
  const where = project === '*' ? 'in this installation' : `in project "${project}"`
  const has = held.length === 0 ? 'has no role there' : `is ${held.join(', ')}`
  return `${identity.person} needs the role ${role} ${where} and ${has}. An admin can grant it.`
}
