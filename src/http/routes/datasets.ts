import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Dataset, DatasetVersion as Answer } from '../../api/datasets.ts'
import { listVersions, type DatasetVersion } from '../../build/dataset-versions.sql.ts'
import { latestDataset, listPaths } from '../../build/datasets.sql.ts'
import type { Digest } from '../../core/digest.ts'
import { limit } from '../../core/limits.ts'
import { datasetContent } from '../../flow/dataset-content.ts'
import { declaredDataset, declaredDatasets, decide, pushDataset, usedDigest } from '../../flow/dataset-decisions.ts'
import { versionInUse } from '../../flow/frozen-datasets.ts'
import type { Installation } from '../../flow/installation.ts'
import { findMissing, joinParts, receive } from '../../flow/uploads.ts'
import type { DatasetSpec } from '../../pipeline/pipeline.ts'
import { getProject } from '../../source/projects.ts'
import type { Handlers } from '../handlers.ts'

type Names =
  | 'listDatasets'
  | 'showDataset'
  | 'approveDataset'
  | 'rejectDataset'
  | 'pushDataset'
  | 'findMissingContent'
  | 'putContent'
  | 'joinContent'
  | 'getDatasetContent'

export function datasetHandlers(installation: Installation): Pick<Handlers, Names> {
  const { database } = installation
  const answer = async (version: DatasetVersion, isOwned: boolean) =>
    asAnswer(version, await usedDigest(installation, version.project, version.path, isOwned))
  const decideHandler =
    (event: 'approve' | 'reject'): Handlers['approveDataset'] =>
    async ({ params, body, identity }) => {
      const digest = body.digest as Digest | undefined
      const decision = { project: params.project, path: body.path, digest, event, reason: body.reason }
      return answer(await decide(installation, decision, identity.person), true)
    }
  return {
    async listDatasets({ params: { project } }) {
      const { datasets: declared } = await declaredDatasets(installation, project)
      const paths = new Set([...declared.map(({ path }) => path), ...(await listPaths(database.read, project))])
      const datasets: Dataset[] = []
      for (const path of [...paths].sort()) {
        datasets.push(
          await describe(
            installation,
            project,
            path,
            declared.find((each) => each.path === path),
          ),
        )
      }
      return { datasets }
    },
    async showDataset({ params: { project }, query: { path } }) {
      const isOwned = (await declaredDataset(installation, project, path))?.owners !== undefined
      const used = await usedDigest(installation, project, path, isOwned)
      const versions = await listVersions(database.read, { project, path, limit: limit('pageRows') })
      return { versions: versions.map((version) => asAnswer(version, used)) }
    },
    approveDataset: decideHandler('approve'),
    rejectDataset: decideHandler('reject'),
    async pushDataset({ params: { project }, body, identity }) {
      await getProject(database.read, project)
      const pushed = { project, path: body.path, kind: body.kind, digest: body.digest as Digest }
      const { version, owners, isDeclared } = await pushDataset(installation, pushed, identity.person)
      return { ...(await answer(version, owners.length > 0)), owners: [...owners], isDeclared }
    },
    async getDatasetContent({ params: { project }, body, identity }) {
      const wanted = { project, path: body.path, digests: body.digests as Digest[] }
      const content = Readable.from(await datasetContent(installation, wanted, identity), { objectMode: false })
      return new Response(Readable.toWeb(content) as ReadableStream<Uint8Array>, {
        headers: { 'content-type': 'application/octet-stream' },
      })
    },
    async findMissingContent({ params: { project }, body }) {
      return { missing: await findMissing(installation, project, body.digests as Digest[]) }
    },
    async putContent({ params: { project, digest }, content }) {
      await getProject(database.read, project)
      await receive(installation, project, digest as Digest, content)
      return { done: true }
    },
    async joinContent({ params: { project, digest }, body }) {
      await joinParts(installation, project, digest as Digest, body.parts as Digest[])
      return { done: true }
    },
  }
}

async function describe(
  { database }: Installation,
  project: string,
  path: string,
  declared: DatasetSpec | undefined,
): Promise<Dataset> {
  const isOwned = declared?.owners !== undefined
  const frozen =
    isOwned || declared?.kind === 'store'
      ? await versionInUse(database.read, { project, path, isOwned })
      : await latestDataset(database.read, project, path)
  const versions = await listVersions(database.read, { project, path, limit: limit('pageRows') })
  return {
    path,
    from: declared === undefined ? null : declared.kind,
    owners: [...(declared?.owners ?? [])],
    digest: frozen?.digest ?? null,
    bytes: frozen?.artifact.size ?? null,
    rows: frozen?.rows ?? null,
    run: frozen?.runId ?? null,
    pushedBy: frozen !== undefined && 'pushedBy' in frozen ? frozen.pushedBy : null,
    frozenAt: frozen?.frozenAt ?? null,
    pending: versions.filter(({ state }) => state === 'pending').length,
  }
}

function asAnswer(version: DatasetVersion, used: Digest | undefined): Answer {
  const { artifact, project: _project, identity: _identity, runId, ...rest } = version
  return { ...rest, kind: artifact.kind, bytes: artifact.size, run: runId, isUsed: version.digest === used }
}
