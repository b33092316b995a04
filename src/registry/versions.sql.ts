import { sql } from 'kysely'
import type { BundleManifest } from '../core/bundle.ts'
import type { Digest } from '../core/digest.ts'
import { AppError } from '../core/errors.ts'
import type { Database, Reader, Writer } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import type { LineageAftermath, VersionLineage } from './lineage.ts'

export interface ModelVersion {
  readonly project: string
  readonly model: string
  /** 1, 2, 3 …, never used again. */
  readonly version: number
  readonly bundle: Digest
  readonly manifest: BundleManifest
  readonly runId: string
  readonly metrics: Readonly<Record<string, number>>
  readonly lineage: VersionLineage
  readonly createdAt: number
}

export type NewVersion = Omit<ModelVersion, 'version' | 'createdAt'>

/**
 * Makes a bundle the next version of its model, with its event. A bundle that already is a version stays
 * that version, with the lineage it had: then nothing is written and `isNew` is false.
 */
export async function registerVersion(
  writer: Writer,
  kind: Database['kind'],
  version: NewVersion,
): Promise<{ readonly version: ModelVersion; readonly isNew: boolean }> {
  const { project, model, bundle } = version
  await oneAtATime(writer, kind)
  const known = await selectVersions(writer)
    .where('project', '=', project)
    .where('model', '=', model)
    .where('bundle', '=', bundle)
    .executeTakeFirst()
  if (known !== undefined) return { version: fromRow(known), isNew: false }
  const { manifest, metrics, lineage, runId } = version
  const row = await writer
    .insertInto('versions')
    .values({
      project,
      model,
      version: await nextVersion(writer, project, model),
      bundle,
      manifest: JSON.stringify(manifest),
      run_id: runId,
      metrics: JSON.stringify(metrics),
      lineage: JSON.stringify(lineage),
      created_at: Date.now(),
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  const registered = fromRow(row)
  const subject = `${model}@${registered.version}`
  await appendEvents(writer, kind, [
    { kind: 'version.registered', project, subject, data: { ...eventData(registered) } },
  ])
  return { version: registered, isNew: true }
}

/** On Postgres two registrations at once would count the same number: the second waits for the first to commit. */
async function oneAtATime(writer: Writer, kind: Database['kind']): Promise<void> {
  if (kind === 'postgres') await sql`select pg_advisory_xact_lock(7070003)`.execute(writer)
}

async function nextVersion(writer: Writer, project: string, model: string): Promise<number> {
  const newest = await writer
    .selectFrom('versions')
    .select('version')
    .where('project', '=', project)
    .where('model', '=', model)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  return (newest?.version ?? 0) + 1
}

function eventData({ model, version, bundle, runId, lineage }: ModelVersion): object {
  return { model, version, bundle, run: runId, commit: lineage.commit, person: lineage.person }
}

/** Newest first. `before` continues a page. */
export async function listVersions(
  reader: Reader,
  filter: { readonly project?: string; readonly model?: string; readonly before?: number },
  limit: number,
): Promise<ModelVersion[]> {
  let query = selectVersions(reader)
  if (filter.project !== undefined) query = query.where('project', '=', filter.project)
  if (filter.model !== undefined) query = query.where('model', '=', filter.model)
  if (filter.before !== undefined) query = query.where('version', '<', filter.before)
  const rows = await query.orderBy('project').orderBy('model').orderBy('version', 'desc').limit(limit).execute()
  return rows.map(fromRow)
}

/** Fails with NOT_FOUND. */
export async function getVersion(
  reader: Reader,
  project: string,
  model: string,
  version: number,
): Promise<ModelVersion> {
  const row = await selectVersions(reader)
    .where('project', '=', project)
    .where('model', '=', model)
    .where('version', '=', version)
    .executeTakeFirst()
  if (row === undefined)
    throw new AppError('NOT_FOUND', `There is no version ${model}@${version} in project ${project}.`)
  return fromRow(row)
}

/** By its number alone: a project has one model, and a second name's numbers are looked up by model. */
export async function findVersionByNumber(
  reader: Reader,
  project: string,
  version: number,
): Promise<ModelVersion | undefined> {
  const row = await selectVersions(reader)
    .where('project', '=', project)
    .where('version', '=', version)
    .orderBy('created_at', 'desc')
    .orderBy('model')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : fromRow(row)
}

/** The version a bundle is, if it is one. */
export async function findVersionByBundle(
  reader: Reader,
  project: string,
  bundle: string,
): Promise<ModelVersion | undefined> {
  const row = await selectVersions(reader)
    .where('project', '=', project)
    .where('bundle', '=', bundle)
    .orderBy('model')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : fromRow(row)
}

/** Everything from the version back to commit, data and people, and forward to where it has served. */
export interface Lineage extends VersionLineage, LineageAftermath {
  readonly project: string
  readonly model: string
  readonly version: number
  readonly bundle: Digest
  readonly registeredAt: number
  readonly metrics: Readonly<Record<string, number>>
}

/** One answer from the version's own row and what became of it since. */
export function assembleLineage(version: ModelVersion, aftermath: LineageAftermath): Lineage {
  const { project, model, bundle, metrics, createdAt } = version
  return {
    project,
    model,
    version: version.version,
    bundle,
    registeredAt: createdAt,
    metrics,
    ...version.lineage,
    ...aftermath,
  }
}

function selectVersions(reader: Reader) {
  return reader
    .selectFrom('versions')
    .select(['project', 'model', 'version', 'bundle', 'manifest', 'run_id', 'metrics', 'lineage', 'created_at'])
}

type VersionRow = Awaited<ReturnType<ReturnType<typeof selectVersions>['execute']>>[number]

function fromRow(row: VersionRow): ModelVersion {
  return {
    project: row.project,
    model: row.model,
    version: row.version,
    bundle: row.bundle as Digest,
    manifest: JSON.parse(row.manifest) as BundleManifest,
    runId: row.run_id,
    metrics: JSON.parse(row.metrics) as Record<string, number>,
    lineage: JSON.parse(row.lineage) as VersionLineage,
    createdAt: row.created_at,
  }
}
