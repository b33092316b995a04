import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Project } from '../../api/projects.ts'
import type { Client } from '../../client/client.ts'
import { isAppError } from '../../core/errors.ts'
import { findLogin, type GlobalOptions } from '../context.ts'

/** A project of the server one is logged in to. */
export interface FoundProject {
  readonly client: Client
  readonly server: string
  readonly project: string
}

/**
 * The project that is named, else the one whose folder of a repository this is, where a git remote leads there; a
 * text says why there is none.
 */
export async function findProject(
  folder: string,
  named: string | undefined,
  globals: GlobalOptions,
): Promise<FoundProject | 'not logged in' | { readonly noRemoteOf: string }> {
  const { server, token } = await findLogin(globals)
  if (token === undefined) return 'not logged in'
  const repository = named === undefined ? await repositoryOfRemote(folder, server) : undefined
  if (named === undefined && repository === undefined) return { noRemoteOf: server }
  const { createClient } = await import('../../client/client.ts')
  const client = createClient({ url: server, token })
  const project = named ?? (await projectOfFolder(client, folder, repository ?? '')) ?? ''
  return project === '' ? { noRemoteOf: server } : { client, server, project }
}

async function projectOfFolder(client: Client, folder: string, repository: string): Promise<string | undefined> {
  const inside = await projectsIn(client, repository)
  // A server that does not answer, or shows nothing, says so when it is asked for more.
  if (inside.length <= 1) return inside[0]?.name ?? repository
  const prefix = (await git(folder, 'rev-parse', '--show-prefix')).trim().replace(/\/$/, '')
  return inside.find(({ path }) => path === prefix)?.name
}

async function projectsIn(client: Client, repository: string): Promise<Project[]> {
  try {
    const { listProjects } = await import('../../api/projects.ts')
    const { projects } = await client.call(listProjects, {})
    return projects.filter((project) => project.repository === repository)
  } catch (error) {
    if (!isAppError(error)) throw error
    return []
  }
}

async function repositoryOfRemote(folder: string, server: string): Promise<string | undefined> {
  const origin = new URL(server).origin
  const remotes = await git(folder, 'config', '--get-regexp', String.raw`^remote\..*\.url$`)
  for (const line of remotes.split('\n')) {
    const url = URL.parse(line.slice(line.indexOf(' ') + 1))
    const name = url?.origin === origin ? /^\/([a-z0-9][a-z0-9-]{0,62})\.git\/?$/.exec(url.pathname)?.[1] : undefined
    if (name !== undefined) return name
  }
  return undefined
}

/** Empty where there is no repository, or no remote. */
async function git(folder: string, ...args: string[]): Promise<string> {
  return promisify(execFile)('git', ['-C', folder, ...args]).then(
    ({ stdout }) => stdout,
    () => '',
  )
}
