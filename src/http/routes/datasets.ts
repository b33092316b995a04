import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Dataset, DatasetVersion as Answer } from '../../api/datasets.ts'
import { listVersions, type DatasetVersion } from '../../build/dataset-versions.sql.ts'
import { listPaths, type FrozenDataset } from '../../build/datasets.sql.ts'
import type { Digest } from '../../core/digest.ts'
import { limit } from '../../core/limits.ts'
import { datasetContent } from '../../flow/dataset-content.ts'
import {
  datasetHistory,
  datasetInUse,
  declaredDataset,
  declaredDatasets,
  decide,
  pushDataset,
} from '../../flow/dataset-decisions.ts'
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
  const answer = async (version: DatasetVersion) => {
    const { project, path } = version
    const used = await datasetInUse(installation, project, path, await declaredDataset(installation, project, path))
    return asAnswer(version, used?.digest)
  }
  const decideHandler =
    (event: 'approve' | 'reject'): Handlers['approveDataset'] =>
    async ({ params, body, identity }) => {
      const digest = body.digest as Digest | undefined
      const decision = { project: params.project, path: body.path, digest, event, reason: body.reason }
      return answer(await decide(installation, decision, identity.person))
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
      const used = await datasetInUse(installation, project, path, await declaredDataset(installation, project, path))
      const history = await datasetHistory(installation, project, path)
      return { versions: history.map((one) => asAnswer('state' in one ? one : asVersion(one), used?.digest)) }
    },
    approveDataset: decideHandler('approve'),
    rejectDataset: decideHandler('reject'),
    async pushDataset({ params: { project }, body, identity }) {
      await getProject(database.read, project)
      const pushed = { project, path: body.path, kind: body.kind, digest: body.digest as Digest }
      const { version, owners, isDeclared } = await pushDataset(installation, pushed, identity.person)
      return { ...(await answer(version)), owners: [...owners], isDeclared }
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
  installation: Installation,
  project: string,
  path: string,
  declared: DatasetSpec | undefined,
): Promise<Dataset> {
  const used = await datasetInUse(installation, project, path, declared)
  const { read } = installation.database
  const versions = await listVersions(read, { project, path, limit: limit('pageRows') })
  return {
    path,
    from: declared === undefined ? null : declared.kind,
    owners: [...(declared?.owners ?? [])],
    digest: used?.digest ?? null,
    bytes: used?.artifact.size ?? null,
    rows: used?.rows ?? null,
    run: used?.runId ?? null,
    pushedBy: used?.pushedBy ?? null,
    frozenAt: used?.frozenAt ?? null,
    pending: versions.filter(({ state }) => state === 'pending').length,
  }
}

/** What a run froze, and nobody had to be asked about. */
function asVersion({ frozenAt, ...frozen }: FrozenDataset): Described {
  const undecided = { decidedBy: null, decidedAt: null, reason: null }
  return { ...frozen, ...undecided, state: 'frozen', pushedBy: null, askedAt: frozenAt }
}

type Described = Omit<DatasetVersion, 'state' | 'identity'> & {
  readonly state: Answer['state']
  readonly identity: string | null
}

function asAnswer(version: Described, used: Digest | undefined): Answer {
  const { artifact, project: _project, identity: _identity, runId, ...rest } = version
  return { ...rest, kind: artifact.kind, bytes: artifact.size, run: runId, isUsed: version.digest === used }
}
