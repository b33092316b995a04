import { hasRole, requireRole } from '../access/require-role.ts'
import { authenticate } from '../access/tokens.ts'
import { AppError } from '../core/errors.ts'
import type { Identity } from '../core/identity.ts'
import type { Role } from '../core/roles.ts'
import type { Reader } from '../db/open-database.ts'
import type { ProposedPush } from '../source/git-context.ts'
import { getRepository, type Project, type Repository } from '../source/projects.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { touchedProjects, type TouchedProject } from '../source/touched-projects.ts'
import type { Installation } from './installation.ts'

/**
 * Git gives out the whole of a repository: whoever fetches must be viewer in each of its projects. Who pushes must be
 * that and developer in one of them; in which, only what is pushed can tell (`refusalOfPush`).
 */
export async function authorizeGit(
  { database }: Pick<Installation, 'database'>,
  token: string,
  name: string,
  access: 'read' | 'write',
): Promise<string> {
  const identity = await authenticate(database, token)
  if (identity === undefined)
    throw new AppError(
      'UNAUTHENTICATED',
      'The token is wrong, revoked or expired. git asks for a user (any) and a password: the token.',
    )
  const repository = await getRepository(database.read, name)
  if (access === 'read' && isOwnRepository(identity, repository)) return identity.person
  const role = access === 'read' ? 'viewer' : 'developer'
  const closed = await without(database.read, identity, repository.projects, role)
  if (closed.length === repository.projects.length) await requireRole(database.read, identity, closed[0]!.name, role)
  await requireSight(database.read, identity, repository)
  return identity.person
}

/** A step may fetch the repository it was made from. */
function isOwnRepository({ runId }: Identity, { projects }: Repository): boolean {
  return projects.some(({ name }) => runId?.startsWith(`${name}#`) === true)
}

async function requireSight(reader: Reader, identity: Identity, { name, projects }: Repository): Promise<void> {
  const [hidden] = await without(reader, identity, projects, 'viewer')
  if (hidden === undefined) return
  throw new AppError(
    'FORBIDDEN',
    `${identity.person} needs the role viewer in project "${hidden.name}" too: it is in the repository "${name}", and git gives out the whole of one. An admin can grant it.`,
    { person: identity.person, role: 'viewer', project: hidden.name },
  )
}

/** Of these projects those in which the person has not got the role. */
async function without(
  reader: Reader,
  person: Pick<Identity, 'person' | 'runId'>,
  projects: readonly Project[],
  role: Role,
): Promise<Project[]> {
  const lacking: Project[] = []
  for (const project of projects) if (!(await hasRole(reader, person, project.name, role))) lacking.push(project)
  return lacking
}

/** Who pushes must be developer in each project that gets a run by it, or in whose folder it changes something. */
export async function refusalOfPush(
  { database, dataFolder }: Pick<Installation, 'database' | 'dataFolder'>,
  push: ProposedPush,
): Promise<string | undefined> {
  const { projects } = await getRepository(database.read, push.repository)
  const closed = await without(database.read, push, projects, 'developer')
  if (closed.length === 0) return undefined
  const view = { repository: repositoryFolder(dataFolder, push), call: push.call }
  for (const update of push.updates) {
    const [touched] = await touchedProjects(view, closed, update)
    if (touched !== undefined) return describeRefusal(push.person, update.ref, touched)
  }
  return undefined
}

function describeRefusal(person: string, ref: string, { project, changed }: TouchedProject): string {
  const prefix = project.path === '' ? '' : `${project.path}/`
  const path = changed?.find((one) => one.startsWith(prefix))
  const why = path === undefined ? `${ref} may start a run of it` : `${ref} changes ${path}`
  return `${person} needs the role developer in project "${project.name}": ${why}. An admin can grant it.`
}
