import { z } from 'zod'
import { ROLES, type Role } from '../core/roles.ts'
import { SecretName } from '../core/secret-name.ts'
import { Done, Millis, PersonName, ProjectName } from './common.ts'
import { operation } from './operation.ts'

const RoleName = z.enum(Object.keys(ROLES) as [Role, ...Role[]])

export const Me = z.object({
  person: z.string(),
  roles: z.record(z.string(), z.array(z.string())),
  version: z.string(),
})

export const whoAmI = operation({
  name: 'whoAmI',
  summary: 'Who the token belongs to, and the roles that come with it',
  method: 'GET',
  path: '/me',
  role: 'person',
  answer: Me,
})

export const Person = z.object({
  name: PersonName,
  displayName: z.string(),
  email: z.string().nullable(),
  groups: z.array(z.string()),
  roles: z.array(z.object({ project: z.string(), role: RoleName })),
})

export const listPeople = operation({
  name: 'listPeople',
  summary: 'People, their groups and roles',
  method: 'GET',
  path: '/people',
  role: 'admin',
  answer: z.object({ people: z.array(Person) }),
})

const ProjectOrAll = z.union([ProjectName, z.literal('*')])

export const addPerson = operation({
  name: 'addPerson',
  summary: 'Add a person with a role, and into groups; a first token comes back once',
  method: 'POST',
  path: '/people',
  role: 'admin',
  body: z.object({
    name: PersonName,
    displayName: z.string().max(200).optional(),
    email: z.string().max(300).optional(),
    role: RoleName.default('developer'),
    project: ProjectOrAll.default('*'),
    groups: z.array(PersonName).max(100).default([]),
  }),
  answer: z.object({ person: Person, token: z.string() }),
})

const Grant = z.object({
  subject: z
    .union([PersonName, z.templateLiteral(['group:', PersonName])])
    .describe('a person, or a group as group:<name>'),
  role: RoleName,
  project: ProjectOrAll.default('*').describe('* for all'),
})

export const grantRole = operation({
  name: 'grantRole',
  summary: 'Grant a person or group a role, in one project or in all',
  method: 'POST',
  path: '/roles',
  role: 'admin',
  body: Grant,
  answer: Done,
})

export const withdrawRole = operation({
  name: 'withdrawRole',
  summary: 'Withdraw a role that was granted; others, of groups or in all projects, stay',
  method: 'POST',
  path: '/roles/withdraw',
  role: 'admin',
  body: Grant,
  answer: Done,
})

export const createToken = operation({
  name: 'createToken',
  summary: 'A new token for a person; shown once (one’s own, or anybody’s for an admin)',
  method: 'POST',
  path: '/tokens',
  role: 'person',
  body: z.object({
    person: PersonName.optional(),
    label: z.string().max(200).default('cli'),
    expiresInDays: z.number().int().min(1).max(3_650).optional(),
  }),
  answer: z.object({ id: z.string(), token: z.string(), person: z.string(), expiresAt: Millis.nullable() }),
})

export const revokeToken = operation({
  name: 'revokeToken',
  summary: 'End a token (one’s own, or anybody’s for an admin)',
  method: 'DELETE',
  path: '/tokens/{id}',
  role: 'person',
  params: z.object({ id: z.string().min(1).max(100) }),
  answer: Done,
})

export const listSecrets = operation({
  name: 'listSecrets',
  summary: 'Names of the secrets of a project, and who set them when; never their values',
  method: 'GET',
  path: '/projects/{project}/secrets',
  role: 'developer',
  params: z.object({ project: ProjectName }),
  answer: z.object({ secrets: z.array(z.object({ name: z.string(), updatedAt: Millis, updatedBy: z.string() })) }),
})

export const removeSecret = operation({
  name: 'removeSecret',
  summary: 'Remove a secret: steps that name it are refused from then on',
  method: 'DELETE',
  path: '/projects/{project}/secrets/{name}',
  role: 'maintainer',
  // Any name that is stored, also one that nobody may set any more.
  params: z.object({ project: ProjectName, name: z.string().min(1).max(200) }),
  answer: Done,
})

export const rotateSecretsKey = operation({
  name: 'rotateSecretsKey',
  summary: 'Seal the secrets of all projects with a new key; the old one is gone afterwards',
  method: 'POST',
  path: '/secrets-key',
  role: 'admin',
  answer: z.object({ secrets: z.number().int().describe('of all projects') }),
})

export const setSecret = operation({
  name: 'setSecret',
  summary: 'Set a secret that steps of a project may name; it is sealed at rest and never shown again',
  method: 'PUT',
  path: '/projects/{project}/secrets/{name}',
  role: 'maintainer',
  params: z.object({
    project: ProjectName,
    name: SecretName,
  }),
  body: z.object({ value: z.string().min(1).max(65_536) }),
  answer: Done,
})
