import { DATASET_TRANSITIONS, type DatasetState } from '../core/dataset-state.ts'
import type { Digest } from '../core/digest.ts'
import type { ArtifactRef } from '../core/tree.ts'
import { allRows } from '../db/all-rows.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'
import { transition, tryTransition } from '../db/transition.ts'

const PAGE = 500

/** A digest that somebody pushed, or that a run found in a dataset with owners. */
export interface DatasetVersion {
  readonly project: string
  readonly path: string
  readonly digest: Digest
  readonly artifact: ArtifactRef
  readonly rows: number | null
  readonly identity: string
  readonly state: DatasetState
  readonly runId: string | null
  readonly pushedBy: string | null
  readonly askedAt: number
  readonly decidedBy: string | null
  readonly decidedAt: number | null
  readonly reason: string | null
}

export type NewDatasetVersion = Omit<DatasetVersion, 'state' | 'decidedBy' | 'decidedAt' | 'reason'>

/** Idempotent. False: this digest is known, and what was said about it stays said. */
export async function askForDataset(writer: Writer, version: NewDatasetVersion): Promise<boolean> {
  if (await insertVersion(writer, version, 'pending')) return true
  const { project, path, digest } = version
  const moved = await tryTransition(writer, {
    table: 'dataset_versions',
    transitions: DATASET_TRANSITIONS,
    event: 'ask',
    where: { project, path, digest },
    set: { run_id: version.runId, asked_at: version.askedAt },
  })
  return moved !== undefined
}

/** Of a dataset nobody owns: the last push is what runs use, also when it brings back an earlier digest. */
export async function recordPushed(writer: Writer, version: NewDatasetVersion): Promise<void> {
  if (await insertVersion(writer, version, 'pushed')) return
  await writer
    .updateTable('dataset_versions')
    .set({ pushed_by: version.pushedBy, asked_at: version.askedAt })
    .where('project', '=', version.project)
    .where('path', '=', version.path)
    .where('digest', '=', version.digest)
    .execute()
}

export interface DatasetDecision {
  readonly project: string
  readonly path: string
  readonly digest: Digest
  readonly event: 'approve' | 'reject'
  readonly by: string
  readonly reason: string | null
  readonly at: number
}

/** Fails with STATE_CONFLICT where its state does not allow it. */
export async function decideDataset(writer: Writer, decision: DatasetDecision): Promise<DatasetVersion> {
  const { project, path, digest, event, by, reason, at } = decision
  const row = await transition(
    writer,
    {
      table: 'dataset_versions',
      transitions: DATASET_TRANSITIONS,
      event,
      where: { project, path, digest },
      set: { decided_by: by, decided_at: at, reason },
    },
    `${digest} of ${path}`,
  )
  return fromRow(row)
}

/** What runs use of a dataset with owners. */
export async function lastApproved(reader: Reader, project: string, path: string): Promise<DatasetVersion | undefined> {
  const row = await reader
    .selectFrom('dataset_versions')
    .selectAll()
    .where('project', '=', project)
    .where('path', '=', path)
    .where('state', '=', 'approved')
    .orderBy('decided_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : fromRow(row)
}

/** What runs use of a pushed dataset that nobody owns. */
export async function lastPushed(reader: Reader, project: string, path: string): Promise<DatasetVersion | undefined> {
  const row = await reader
    .selectFrom('dataset_versions')
    .selectAll()
    .where('project', '=', project)
    .where('path', '=', path)
    .where('state', 'in', ['pushed', 'approved'])
    .orderBy('asked_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : fromRow(row)
}

export async function digestsThatAre(
  reader: Reader,
  wanted: {
    readonly project: string
    readonly path: string
    readonly state: 'approved' | 'rejected'
    readonly limit: number
  },
): Promise<Digest[]> {
  const rows = await reader
    .selectFrom('dataset_versions')
    .select('digest')
    .where('project', '=', wanted.project)
    .where('path', '=', wanted.path)
    .where('state', '=', wanted.state)
    .orderBy('id', 'desc')
    .limit(wanted.limit)
    .execute()
  return rows.map(({ digest }) => digest as Digest)
}

/** Newest first. */
export async function listVersions(
  reader: Reader,
  wanted: { readonly project: string; readonly path?: string; readonly limit: number },
): Promise<DatasetVersion[]> {
  let query = reader.selectFrom('dataset_versions').selectAll().where('project', '=', wanted.project)
  if (wanted.path !== undefined) query = query.where('path', '=', wanted.path)
  const rows = await query.orderBy('asked_at', 'desc').orderBy('id', 'desc').limit(wanted.limit).execute()
  return rows.map(fromRow)
}

/** Artifacts of digests that a run may still use, or somebody is asked about. */
export async function* datasetsInUse(reader: Reader): AsyncGenerator<string> {
  const rows = allRows({ id: 0 }, ({ id: last }) =>
    reader
      .selectFrom('dataset_versions')
      .select(['id', 'artifact'])
      .where('state', '!=', 'rejected')
      .where('id', '>', last)
      .orderBy('id')
      .limit(PAGE)
      .execute(),
  )
  for await (const { artifact } of rows) yield artifact
}

async function insertVersion(writer: Writer, version: NewDatasetVersion, state: DatasetState): Promise<boolean> {
  const row = await writer
    .insertInto('dataset_versions')
    .values({
      project: version.project,
      path: version.path,
      digest: version.digest,
      artifact: JSON.stringify(version.artifact),
      rows: version.rows,
      identity: version.identity,
      state,
      run_id: version.runId,
      pushed_by: version.pushedBy,
      asked_at: version.askedAt,
      decided_by: null,
      decided_at: null,
      reason: null,
    })
    .onConflict((conflict) => conflict.columns(['project', 'path', 'digest']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

type VersionRow = Omit<Tables['dataset_versions'], 'id'>

function fromRow(row: VersionRow): DatasetVersion {
  return {
    project: row.project,
    path: row.path,
    digest: row.digest as Digest,
    artifact: JSON.parse(row.artifact) as ArtifactRef,
    rows: row.rows,
    identity: row.identity,
    state: row.state,
    runId: row.run_id,
    pushedBy: row.pushed_by,
    askedAt: row.asked_at,
    decidedBy: row.decided_by,
    decidedAt: row.decided_at,
    reason: row.reason,
  }
}
