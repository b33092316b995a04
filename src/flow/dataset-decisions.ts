import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expandNames } from '../access/people.ts'
import { countTable } from '../build/count-rows.ts'
import {
  askForDataset,
  decideDataset,
  listVersions,
  recordPushed,
  type DatasetVersion,
} from '../build/dataset-versions.sql.ts'
import { latestDatasetOn, listFrozen, type FrozenDataset } from '../build/datasets.sql.ts'
import { AppError } from '../core/errors.ts'
import type { Digest } from '../core/digest.ts'
import { limit } from '../core/limits.ts'
import type { ArtifactRef } from '../core/tree.ts'
import { appendEvents } from '../db/outbox.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { sha256 } from '../lib/sha256.ts'
import { FilePath } from '../pipeline/keys/scalars.ts'
import type { DatasetSpec } from '../pipeline/pipeline.ts'
import { getProject } from '../source/projects.ts'
import { defaultHead } from '../source/read-commit.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { proposedEvent, versionInUse } from './frozen-datasets.ts'
import type { Installation } from './installation.ts'
import { lastValidPipeline } from './last-valid-pipeline.ts'
import { findMissing } from './uploads.ts'

/** Datasets as the default branch declares them: who owns them is its word, or its last one that could be read. */
export async function declaredDatasets(
  { database, dataFolder }: Pick<Installation, 'database' | 'dataFolder'>,
  name: string,
): Promise<{ readonly datasets: readonly DatasetSpec[]; readonly isNewest: boolean }> {
  const project = await getProject(database.read, name)
  const repository = repositoryFolder(dataFolder, project)
  const head = await defaultHead(repository, project.defaultBranch)
  const last = head === undefined ? undefined : await lastValidPipeline(repository, head, project)
  return { datasets: last?.pipeline.data ?? [], isNewest: last?.isNewest ?? false }
}

/** Undefined where nothing of this path is declared, as in a project without a file. */
export async function declaredDataset(
  installation: Pick<Installation, 'database' | 'dataFolder'>,
  project: string,
  path: string,
): Promise<DatasetSpec | undefined> {
  const { datasets } = await declaredDatasets(installation, project)
  return datasets.find((each) => each.path === path)
}

export interface PushedDataset {
  readonly project: string
  readonly path: string
  readonly kind: ArtifactRef['kind']
  readonly digest: Digest
}

/** Content that was sent becomes what the dataset is: at once from an owner, after an owner's yes from others. */
export async function pushDataset(
  installation: Installation,
  pushed: PushedDataset,
  by: string,
): Promise<{ version: DatasetVersion; owners: readonly string[]; isDeclared: boolean }> {
  const { database } = installation
  const { project } = pushed
  const path = checkPath(pushed.path)
  const artifact = await artifactOf(installation, pushed)
  const declared = await declaredDataset(installation, project, path)
  const owners = declared?.owners ?? []
  const isOwner = (await expandNames(database.read, owners)).includes(by)
  const rows = await rowsOf(installation, path, artifact)
  const identity = sha256(canonicalJson({ source: { kind: 'store' }, dvc: null, deps: [] }))
  const asked = {
    project,
    path,
    digest: pushed.digest,
    artifact,
    rows,
    identity,
    runId: null,
    pushedBy: by,
    askedAt: Date.now(),
  }
  await database.write(async (writer) => {
    const data = { path, digest: pushed.digest, rows, bytes: artifact.size, by }
    await appendEvents(writer, database.kind, [
      { kind: 'dataset.pushed', project, subject: `${project}/${path}`, data },
    ])
    if (owners.length === 0) return recordPushed(writer, asked)
    const isNew = await askForDataset(writer, asked)
    if (isOwner) {
      await decideDataset(writer, { ...asked, event: 'approve', by, reason: 'pushed by an owner', at: Date.now() })
    } else if (isNew) await appendEvents(writer, database.kind, [proposedEvent(asked)])
  })
  const version = await findVersion(installation, project, path, pushed.digest)
  return { version, owners, isDeclared: declared?.kind === 'store' }
}

export interface Decision {
  readonly project: string
  readonly path: string
  /** Absent: the one that waits. */
  readonly digest?: Digest | undefined
  readonly event: 'approve' | 'reject'
  readonly reason: string
}

/** Only owners decide, whatever else they may do. */
export async function decide(installation: Installation, decision: Decision, by: string): Promise<DatasetVersion> {
  const { database } = installation
  const { project, path, event, reason } = decision
  const owners = (await declaredDataset(installation, project, path))?.owners ?? []
  if (owners.length === 0)
    throw new AppError(
      'INVALID_INPUT',
      `${path} has no \`owners\` on the default branch, so nothing of it waits for a yes.`,
    )
  if (!(await expandNames(database.read, owners)).includes(by))
    throw new AppError('FORBIDDEN', `Only ${owners.join(', ')} may decide about ${path}; ${by} is not one of them.`)
  const digest = decision.digest ?? (await theOneThatWaits(installation, project, path))
  await findVersion(installation, project, path, digest)
  return database.write(async (writer) => {
    const decided = { project, path, digest, event, by, reason: reason === '' ? null : reason, at: Date.now() }
    const version = await decideDataset(writer, decided)
    const data = { path, digest, decision: event, by, reason }
    await appendEvents(writer, database.kind, [
      { kind: 'dataset.decided', project, subject: `${project}/${path}`, data },
    ])
    return version
  })
}

/** A digest, and how it came to be what runs use. */
export interface DatasetInUse {
  readonly digest: Digest
  readonly artifact: ArtifactRef
  readonly rows: number | null
  readonly runId: string | null
  readonly pushedBy: string | null
  readonly frozenAt: number
}

/** What a push to the default branch would use now. */
export async function datasetInUse(
  { database }: Pick<Installation, 'database'>,
  project: string,
  path: string,
  declared: DatasetSpec | undefined,
): Promise<DatasetInUse | undefined> {
  const { read } = database
  const isOwned = declared?.owners !== undefined
  const version = await versionInUse(read, { project, path, isOwned })
  if (isOwned || declared?.kind === 'store') return version
  const { defaultBranch } = await getProject(read, project)
  const frozen = await latestDatasetOn(read, { project, path, branch: defaultBranch })
  return frozen === undefined ? version : { ...frozen, pushedBy: null }
}

/** Every digest of it that was pushed, found or frozen, newest first; of a source that nobody has to say yes to those that runs froze. */
export async function datasetHistory(
  { database }: Pick<Installation, 'database'>,
  project: string,
  path: string,
): Promise<readonly (DatasetVersion | FrozenDataset)[]> {
  const wanted = { project, path, limit: limit('pageRows') }
  const versions = await listVersions(database.read, wanted)
  const known = new Set(versions.map(({ digest }) => digest))
  const frozen = (await listFrozen(database.read, wanted)).filter(({ digest }) => !known.has(digest))
  return [...versions, ...frozen].sort((a, b) => saidAt(b) - saidAt(a))
}

function saidAt(one: DatasetVersion | FrozenDataset): number {
  return 'askedAt' in one ? one.askedAt : one.frozenAt
}

async function theOneThatWaits({ database }: Installation, project: string, path: string): Promise<Digest> {
  const versions = await listVersions(database.read, { project, path, limit: limit('pageRows') })
  const waiting = versions.filter(({ state }) => state === 'pending')
  const [only] = waiting
  if (only !== undefined && waiting.length === 1) return only.digest
  const which = waiting.map(({ digest }) => digest).join(', ')
  throw new AppError(
    'INVALID_INPUT',
    only === undefined
      ? `Nothing of ${path} waits for a yes.`
      : `Several digests of ${path} wait: name one with --digest: ${which}`,
  )
}

async function findVersion(
  { database }: Installation,
  project: string,
  path: string,
  digest: Digest,
): Promise<DatasetVersion> {
  const versions = await listVersions(database.read, { project, path, limit: limit('pageRows') })
  const version = versions.find((each) => each.digest === digest)
  if (version !== undefined) return version
  throw new AppError(
    'NOT_FOUND',
    `${path} has no digest ${digest}. \`tidegate data show ${project} ${path}\` lists them.`,
  )
}

function checkPath(path: string): string {
  const checked = FilePath.safeParse(path)
  if (checked.success) return checked.data.replace(/\/+$/, '')
  throw new AppError('INVALID_INPUT', `"${path}" is no path of a dataset: ${checked.error.issues[0]?.message ?? ''}`)
}

/** Only of content that this project was sent, all of it. */
async function artifactOf(installation: Installation, { project, kind, digest }: PushedDataset): Promise<ArtifactRef> {
  const { store, artifacts } = installation
  await refuseMissing(installation, project, [digest])
  if (kind === 'file') return { kind, digest, size: (await store.has(digest)) ?? 0 }
  const files = await artifacts.filesOf({ kind, digest, size: 0 })
  await refuseMissing(
    installation,
    project,
    files.map((file) => file.digest),
  )
  return { kind, digest, size: files.reduce((sum, { size }) => sum + size, 0) }
}

async function refuseMissing(installation: Installation, project: string, digests: readonly Digest[]): Promise<void> {
  const missing = await findMissing(installation, project, digests)
  if (missing.length === 0) return
  const first = missing.slice(0, 100)
  throw new AppError('NOT_FOUND', `${missing.length} contents of this dataset were not sent yet.`, { missing: first })
}

async function rowsOf({ artifacts, dataFolder }: Installation, path: string, ref: ArtifactRef): Promise<number | null> {
  const place = artifacts.localPath(ref.digest)
  if (place === undefined || ref.kind !== 'file') return null
  const folder = await mkdtemp(join(dataFolder, 'uploads', 'count-'))
  try {
    return await countTable(path, place, ref.size, folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
