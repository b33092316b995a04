import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { isDigest, type Digest } from '../../core/digest.ts'
import { AppError } from '../../core/errors.ts'
import type { Tree } from '../../core/tree.ts'
import { liveDeployment } from '../../delivery/deployments.sql.ts'
import type { Installation } from '../../flow/installation.ts'
import { findVersionByBundle, findVersionByNumber, type ModelVersion } from '../../registry/versions.sql.ts'
import type { Handlers } from '../handlers.ts'

export function championHandlers(installation: Installation): Pick<Handlers, 'getChampion' | 'getVersionContent'> {
  const { database, store } = installation
  const byNumber = async (project: string, number: number): Promise<ModelVersion> => {
    const version = await findVersionByNumber(database.read, project, number)
    if (version === undefined) throw new AppError('NOT_FOUND', `${project} has no version ${number}.`)
    return version
  }
  return {
    async getChampion({ params, query }) {
      const { project } = params
      const found =
        query.version === undefined
          ? await serving(installation, project, query.environment ?? 'production')
          : await byNumber(project, query.version)
      if (found === undefined) return { champion: null }
      const { version, bundle, manifest, lineage } = found
      const { answers } = lineage
      return { champion: { version, bundle, manifest, ...(answers === undefined ? {} : { answers }) } }
    },
    async getVersionContent({ params }) {
      const version = await byNumber(params.project, params.version)
      const { digest } = params
      if (!isDigest(digest) || !(await contentOf(installation, version)).has(digest)) {
        throw new AppError('NOT_FOUND', `Version ${params.version} of ${params.project} holds no ${digest}.`)
      }
      const content = Readable.toWeb(await store.get(digest)) as ReadableStream<Uint8Array>
      return new Response(content, {
        headers: { 'content-type': 'application/octet-stream' },
      })
    },
  }
}

async function serving({ database }: Installation, project: string, environment: string) {
  const deployment = await liveDeployment(database.read, project, environment)
  return deployment === undefined ? undefined : findVersionByBundle(database.read, project, deployment.bundle)
}

/** What may be had with a version, and nothing else of the store. */
async function contentOf(
  { artifacts }: Installation,
  { manifest, lineage }: ModelVersion,
): Promise<ReadonlySet<Digest>> {
  const { files, reference } = manifest
  const tree = JSON.parse((await artifacts.read(files.digest)).toString()) as Tree
  const more = [reference?.digest, lineage.answers].filter((digest) => digest !== undefined && isDigest(digest))
  return new Set([files.digest, ...tree.files.map(({ digest }) => digest), ...more])
}
