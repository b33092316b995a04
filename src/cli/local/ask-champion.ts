import { execFile } from 'node:child_process'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { getChampion, getVersionContent } from '../../api/champion.ts'
import { createClient } from '../../client/client.ts'
import type { BundleManifest } from '../../core/bundle.ts'
import type { Digest } from '../../core/digest.ts'
import { isAppError } from '../../core/errors.ts'
import type { RemoteChampion } from '../../flow/fetch-champion.ts'
import { findLogin, type GlobalOptions } from '../context.ts'

/** What `tidegate run` compares with, or why there is nothing, in words. */
export type AskChampion = (environment: string) => Promise<RemoteChampion | string>

/**
 * Asks the server one is logged in to. The project is the one that is named (`digits`, `digits@3`), else the
 * one a git remote of the folder leads to.
 */
export function askChampion(folder: string, named: string | false | undefined, globals: GlobalOptions): AskChampion {
  return async (environment) => {
    if (named === false) return 'no server was asked: --no-champion'
    const { server, token } = await findLogin(globals)
    if (token === undefined) return 'no server was asked for the champion: log in with `tidegate login`'
    const [project, version] = (named ?? (await projectOfRemote(folder, server)) ?? '').split('@')
    if (project === undefined || project === '') {
      return `no git remote of this folder is a project of ${server}: name one with --champion <project>`
    }
    const client = createClient({ url: server, token })
    try {
      const query = version === undefined ? { environment } : { version: Number(version) }
      const { champion } = await client.call(getChampion, { params: { project }, query })
      if (champion === null) return `nothing serves ${environment} of ${project} on ${server} yet`
      return {
        version: champion.version,
        bundle: champion.bundle as Digest,
        manifest: champion.manifest as BundleManifest,
        ...(champion.answers === undefined ? {} : { answers: champion.answers as Digest }),
        async read(digest) {
          const response = await client.fetch(getVersionContent, {
            params: { project, version: champion.version, digest },
          })
          return response.body === null ? Readable.from([]) : Readable.fromWeb(response.body)
        },
      }
    } catch (error) {
      if (!isAppError(error)) throw error
      return `the champion of ${project} could not be had from ${server}: ${error.message}`
    }
  }
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
