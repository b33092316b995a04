import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createClient, type Client } from '../../client/client.ts'
import { findLogin, type GlobalOptions } from '../context.ts'

/** A project of the server one is logged in to. */
export interface FoundProject {
  readonly client: Client
  readonly server: string
  readonly project: string
}

/** The project that is named, else the one a git remote of the folder leads to; a text says why there is none. */
export async function findProject(
  folder: string,
  named: string | undefined,
  globals: GlobalOptions,
): Promise<FoundProject | 'not logged in' | { readonly noRemoteOf: string }> {
  const { server, token } = await findLogin(globals)
  if (token === undefined) return 'not logged in'
  const project = named ?? (await projectOfRemote(folder, server)) ?? ''
  if (project === '') return { noRemoteOf: server }
  return { client: createClient({ url: server, token }), server, project }
}

async function projectOfRemote(folder: string, server: string): Promise<string | undefined> {
  const listed = await promisify(execFile)('git', [
    '-C',
    folder,
    'config',
    '--get-regexp',
    String.raw`^remote\..*\.url$`,
  ]).catch(
    // No repository, or no remote.
    () => ({ stdout: '' }),
  )
  const origin = new URL(server).origin
  for (const line of listed.stdout.split('\n')) {
    const url = URL.parse(line.slice(line.indexOf(' ') + 1))
    const project = url?.origin === origin ? /^\/([a-z0-9][a-z0-9-]{0,62})\.git\/?$/.exec(url.pathname)?.[1] : undefined
    if (project !== undefined) return project
  }
  return undefined
}
