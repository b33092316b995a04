import type { Digest } from '../../core/digest.ts'
import { isAppError } from '../../core/errors.ts'
import type { RemoteDataset } from '../../flow/fetch-dataset.ts'
import type { GlobalOptions } from '../context.ts'
import { findProject } from './find-project.ts'

/** What runs of a server use of a dataset that was pushed to it, or why it cannot be had, in words. */
export type AskDataset = (path: string) => Promise<RemoteDataset | string>

/** Asks the server one is logged in to for the project that is named (`digits`, `digits@3`), else that of a git remote. */
export function askDataset(folder: string, named: string | undefined, globals: GlobalOptions): AskDataset {
  return async (path) => {
    const found = await findProject(folder, named?.split('@')[0], globals)
    if (found === 'not logged in') return 'no server was asked for it: log in with `tidegate login`'
    if ('noRemoteOf' in found) {
      return `no git remote of this folder is a project of ${found.noRemoteOf}: add it with \`git remote add\`, or name the project with --champion <project>`
    }
    const { client, server, project } = found
    const { getDatasetContent, showDataset } = await import('../../api/datasets.ts')
    const params = { project }
    try {
      const { versions } = await client.call(showDataset, { params, query: { path } })
      const pushed = versions.filter(({ state }) => state === 'pushed' || state === 'approved')
      // Where the default branch takes it from elsewhere, the last push is what a run of this file would use.
      const used = pushed.find(({ isUsed }) => isUsed) ?? pushed[0]
      if (used === undefined) return `nothing of it that runs may use was pushed to ${project} on ${server} yet`
      return {
        artifact: { kind: used.kind, digest: used.digest as Digest, size: used.bytes },
        rows: used.rows,
        frozenAt: used.decidedAt ?? used.askedAt,
        why: `as runs of ${project} on ${server} use it`,
        async read(digests) {
          const { body } = await client.fetch(getDatasetContent, { params, body: { path, digests: [...digests] } })
          return chunksOf(body)
        },
      }
    } catch (error) {
      if (!isAppError(error)) throw error
      return `it could not be had from ${server}: ${error.message}`
    }
  }
}

async function* chunksOf(body: AsyncIterable<Uint8Array> | null): AsyncGenerator<Buffer> {
  for await (const chunk of body ?? []) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
