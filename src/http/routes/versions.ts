import { isDigest } from '../../core/digest.ts'
import { AppError } from '../../core/errors.ts'
import { sessionsOf, signaturesOf } from '../../delivery/acceptance/acceptance.sql.ts'
import { approvalsOf, deploymentsOfVersion, unfinishedDeployments } from '../../delivery/deployments.sql.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import type { Reader } from '../../db/open-database.ts'
import { getRun } from '../../engine/runs.sql.ts'
import { listDatasets } from '../../build/datasets.sql.ts'
import { findReport } from '../../evaluation/reports.sql.ts'
import type { Installation } from '../../flow/installation.ts'
import { findVersionByNumber, listVersions, type ModelVersion } from '../../registry/versions.sql.ts'
import type { Lineage } from '../../api/versions.ts'
import type { Handlers } from '../handlers.ts'

const MOST = 200

type VersionHandlers = Pick<Handlers, 'listVersions' | 'getLineage' | 'getBillOfMaterials'>

export function versionHandlers({ database, artifacts }: Installation): VersionHandlers {
  return {
    async listVersions({ params }) {
      const versions = await listVersions(database.read, { project: params.project }, MOST)
      const live = await liveOf(database.read, params.project)
      return { versions: versions.map((version) => describe(version, live)) }
    },
    async getLineage({ params }) {
      return lineage(database.read, await find(database.read, params))
    },
    async getBillOfMaterials({ params }) {
      const { lineage: known } = await find(database.read, params)
      if (known.sbom === undefined || !isDigest(known.sbom))
        throw new AppError(
          'NOT_FOUND',
          `${params.project}@${params.version} was registered before bills of materials were made. Register it anew by a run of its commit.`,
        )
      return JSON.parse((await artifacts.read(known.sbom)).toString()) as Record<string, unknown>
    },
  }
}

async function find(reader: Reader, { project, version }: { project: string; version: number }): Promise<ModelVersion> {
  const found = await findVersionByNumber(reader, project, version)
  if (found === undefined) throw new AppError('NOT_FOUND', `${project} has no version ${version}.`)
  return found
}

async function liveOf(reader: Reader, project: string): Promise<DeploymentRow[]> {
  return (await unfinishedDeployments(reader)).filter((row) => row.project === project && row.state === 'live')
}

function describe(version: ModelVersion, live: readonly DeploymentRow[]): Lineage['version'] {
  return {
    project: version.project,
    model: version.model,
    version: version.version,
    bundle: version.bundle,
    run: version.runId,
    metrics: { ...version.metrics },
    serves: live.filter((row) => row.bundle === version.bundle).map((row) => row.environment),
    createdAt: version.createdAt,
  }
}

async function lineage(reader: Reader, version: ModelVersion): Promise<Lineage> {
  const { lineage: known } = version
  const run = await getRun(reader, version.runId)
  const rows = new Map((await listDatasets(reader, version.runId, MOST)).map((dataset) => [dataset.path, dataset.rows]))
  const deployments = await deploymentsOfVersion(reader, version.project, version.version)
  return {
    version: describe(version, await liveOf(reader, version.project)),
    run: known.run,
    commit: known.commit,
    title: run?.title ?? '',
    pushedBy: known.person,
    datasets: Object.entries(known.datasets).map(([path, digest]) => ({ path, digest, rows: rows.get(path) ?? null })),
    lock: known.lockDigest,
    wheel: known.wheel ?? null,
    image: known.image?.digest ?? null,
    gates: known.gates.map(({ title, outcome, summary }) => ({ title, outcome, summary })),
    deployments: await Promise.all(deployments.map((row) => describeDeployment(reader, row))),
    alert: known.alert,
    hasReport: (await findReport(reader, version.runId)) !== undefined,
  }
}

async function describeDeployment(reader: Reader, row: DeploymentRow): Promise<Lineage['deployments'][number]> {
  const approvals = await approvalsOf(reader, row.id)
  const sessions = await sessionsOf(reader, [row.id])
  const signatures = (await Promise.all(sessions.map(({ id }) => signaturesOf(reader, id)))).flat()
  return {
    environment: row.environment,
    state: row.state,
    approvals: approvals.map(({ person, decision, at }) => ({ person, decision, at })),
    signatures: signatures.map(({ person, decision, at }) => ({ person, decision, at })),
  }
}
