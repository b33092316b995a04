import { createGroup, addMember, listGroups, membersOf } from '../../access/groups.ts'
import { grantRole, membershipsOf, withdrawRole } from '../../access/memberships.ts'
import { createPerson, listPeople } from '../../access/people.ts'
import { requireRole } from '../../access/require-role.ts'
import { rotateKey } from '../../access/rotate-key.ts'
import { listSecretNames, removeSecret, setSecret } from '../../access/secrets.ts'
import { createToken, listTokens, revokeToken } from '../../access/tokens.ts'
import type { Identity } from '../../core/identity.ts'
import { ROLES, type Role } from '../../core/roles.ts'
import type { Reader } from '../../db/open-database.ts'
import type { Installation } from '../../flow/installation.ts'
import { version } from '../../lib/version.ts'
import { getProject } from '../../source/projects.ts'
import type { Handlers } from '../handlers.ts'

type AccessHandlers = Pick<
  Handlers,
  | 'whoAmI'
  | 'listPeople'
  | 'addPerson'
  | 'grantRole'
  | 'withdrawRole'
  | 'createToken'
  | 'revokeToken'
  | 'setSecret'
  | 'listSecrets'
  | 'removeSecret'
  | 'rotateSecretsKey'
>

export function accessHandlers(installation: Installation): AccessHandlers {
  const { database, dataFolder, secretsKeys } = installation
  return {
    async whoAmI({ identity }) {
      return {
        person: identity.person,
        roles: await rolesByProject(database.read, identity.person),
        version: version(),
      }
    },
    async listPeople() {
      const people = await listPeople(database.read)
      return { people: await Promise.all(people.map((person) => describePerson(database.read, person))) }
    },
    async addPerson({ body, identity }) {
      const { name, email, role, project } = body
      const person = await createPerson(
        database,
        { name, displayName: body.displayName ?? name, ...(email === undefined ? {} : { email }) },
        identity.person,
      )
      await grantRole(database, { project, subject: name, role }, identity.person)
      await joinGroups(installation, name, body.groups, identity.person)
      const { token } = await createToken(database, { person: name, label: 'first' }, identity.person)
      return { person: await describePerson(database.read, person), token }
    },
    async grantRole({ body, identity }) {
      if (body.project !== '*') await getProject(database.read, body.project)
      await grantRole(database, body, identity.person)
      return { done: true }
    },
    async withdrawRole({ body, identity }) {
      await withdrawRole(database, body, identity.person)
      return { done: true }
    },
    async createToken({ body, identity }) {
      const person = body.person ?? identity.person
      await ownOrAdmin(database.read, identity, person)
      const expiresAt = body.expiresInDays === undefined ? undefined : Date.now() + body.expiresInDays * 86_400_000
      const made = await createToken(
        database,
        { person, label: body.label, ...(expiresAt === undefined ? {} : { expiresAt }) },
        identity.person,
      )
      return { ...made, person, expiresAt: expiresAt ?? null }
    },
    async revokeToken({ params, identity }) {
      const tokens = await listTokens(database.read, identity.person)
      const owner = tokens.some(({ id }) => id === params.id) ? identity.person : ''
      await ownOrAdmin(database.read, identity, owner)
      await revokeToken(database, params.id, identity.person)
      return { done: true }
    },
    async listSecrets({ params }) {
      return { secrets: await listSecretNames(database.read, params.project) }
    },
    async removeSecret({ params, identity }) {
      await removeSecret(database, params.project, params.name, identity.person)
      return { done: true }
    },
    async rotateSecretsKey({ identity }) {
      return { secrets: await rotateKey(database, dataFolder, secretsKeys, identity.person) }
    },
    async setSecret({ params, body, identity }) {
      await setSecret(
        database,
        secretsKeys,
        { project: params.project, name: params.name, value: body.value },
        identity.person,
      )
      return { done: true }
    },
  }
}

async function ownOrAdmin(reader: Reader, identity: Identity, person: string): Promise<void> {
  // A step's token must not become a person's, nor end one.
  if (person === identity.person && identity.runId === undefined) return
  await requireRole(reader, identity, '*', 'admin')
}

async function joinGroups(
  { database }: Installation,
  person: string,
  groups: readonly string[],
  by: string,
): Promise<void> {
  const known = new Set(await listGroups(database.read))
  for (const group of groups) {
    if (!known.has(group)) await createGroup(database, group, by)
    await addMember(database, group, person, by)
  }
}

async function describePerson(
  reader: Reader,
  person: { name: string; displayName: string; email?: string | null | undefined },
) {
  const groups: string[] = []
  for (const group of await listGroups(reader))
    if ((await membersOf(reader, group)).includes(person.name)) groups.push(group)
  const roles = await membershipsOf(reader, person.name)
  return {
    name: person.name,
    displayName: person.displayName,
    email: person.email ?? null,
    groups,
    roles: roles.map(({ project, role }) => ({ project, role })),
  }
}

async function rolesByProject(reader: Reader, person: string): Promise<Record<string, Role[]>> {
  const roles: Record<string, Role[]> = {}
  for (const { project, role } of await membershipsOf(reader, person)) {
    roles[project] = [...(roles[project] ?? []), ...(ROLES[role].includes as readonly Role[])]
  }
  return roles
}
