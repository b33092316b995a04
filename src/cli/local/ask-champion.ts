import { Readable } from 'node:stream'
import type { BundleManifest } from '../../core/bundle.ts'
import type { Digest } from '../../core/digest.ts'
import { isAppError } from '../../core/errors.ts'
import type { RemoteChampion } from '../../flow/fetch-champion.ts'
import type { GlobalOptions } from '../context.ts'
import { findProject } from './find-project.ts'

/** What `tidegate run` compares with, or why there is nothing, in words. */
export type AskChampion = (environment: string) => Promise<RemoteChampion | string>

/**
 * Asks the server one is logged in to. The project is the one that is named (`digits`, `digits@3`), else the
 * one whose folder of a repository this is, where a git remote leads there.
 */
export function askChampion(folder: string, named: string | false | undefined, globals: GlobalOptions): AskChampion {
  return async (environment) => {
    if (named === false) return 'no server was asked: --no-champion'
    const [name, version] = named?.split('@') ?? []
    const found = await findProject(folder, name, globals)
    if (found === 'not logged in') return 'no server was asked for the champion: log in with `tidegate login`'
    if ('noRemoteOf' in found) {
      return `no git remote of this folder is a project of ${found.noRemoteOf}: name one with --champion <project>`
    }
    const { client, server, project } = found
    const { getChampion, getVersionContent } = await import('../../api/champion.ts')
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
