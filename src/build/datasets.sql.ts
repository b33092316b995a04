import { limit } from '../core/limits.ts'
import type { Digest } from '../core/digest.ts'
import type { ArtifactRef } from '../core/tree.ts'
import type { Reader, Writer } from '../db/open-database.ts'

/** What a dataset was at some time, for some run. */
export interface FrozenDataset {
  readonly project: string
  readonly path: string
  readonly digest: Digest
  readonly artifact: ArtifactRef
  readonly rows: number | null
  /** That uses it. */
  readonly runId: string
  /** When the source was asked, or somebody pushed it or said yes: not when this run took it over. */
  readonly frozenAt: number
  /** Of its source as the file declared it; null: frozen before that was kept. */
  readonly identity: string | null
}

/** Idempotent: a run uses each of its datasets as one digest, whatever number of attempts it takes. */
export async function recordDataset(writer: Writer, dataset: FrozenDataset): Promise<void> {
  const { project, path, runId } = dataset
  await writer.deleteFrom('datasets').where('run_id', '=', runId).where('path', '=', path).execute()
  await writer
    .insertInto('datasets')
    .values({
      project,
      path,
      digest: dataset.digest,
      artifact: JSON.stringify(dataset.artifact),
      rows: dataset.rows,
      run_id: runId,
      frozen_at: dataset.frozenAt,
      identity: dataset.identity,
    })
    .execute()
}

/** As it was frozen last, whoever asked for it: what a push uses. `exceptRun` is left out. */
export async function latestDataset(
  reader: Reader,
  project: string,
  path: string,
  exceptRun?: string,
): Promise<FrozenDataset | undefined> {
  let query = selectDatasets(reader).where('project', '=', project).where('path', '=', path)
  if (exceptRun !== undefined) query = query.where('run_id', '!=', exceptRun)
  const row = await newestFirst(query).limit(1).executeTakeFirst()
  return row === undefined ? undefined : fromRow(row)
}

/** What this run uses. */
export async function findDataset(reader: Reader, runId: string, path: string): Promise<FrozenDataset | undefined> {
  const row = await selectDatasets(reader).where('run_id', '=', runId).where('path', '=', path).executeTakeFirst()
  return row === undefined ? undefined : fromRow(row)
}

/** As it was frozen last while its source was declared like this. */
export async function latestDatasetOf(
  reader: Reader,
  source: { readonly project: string; readonly path: string; readonly identity: string; readonly exceptRun: string },
): Promise<FrozenDataset | undefined> {
  const query = selectDatasets(reader)
    .where('project', '=', source.project)
    .where('path', '=', source.path)
    .where((where) => where.or([where('identity', '=', source.identity), where('identity', 'is', null)]))
    .where('run_id', '!=', source.exceptRun)
  const row = await newestFirst(query).limit(1).executeTakeFirst()
  return row === undefined ? undefined : fromRow(row)
}

/**
 * As a push to `branch` would take it: of the source that the branch's last run has declared, as it was frozen last.
 * What another branch froze from a source of its own is for that branch.
 */
export async function latestDatasetOn(
  reader: Reader,
  { project, path, branch }: { readonly project: string; readonly path: string; readonly branch: string },
): Promise<FrozenDataset | undefined> {
  const declared = await reader
    .selectFrom('datasets')
    .innerJoin('runs', 'runs.id', 'datasets.run_id')
    .select('datasets.identity')
    .where('datasets.project', '=', project)
    .where('datasets.path', '=', path)
    .where('runs.branch', '=', branch)
    // One of an old commit says what was declared then.
    .where('runs.parent_run', 'is', null)
    .orderBy('runs.number', 'desc')
    .limit(1)
    .executeTakeFirst()
  const identity = declared?.identity ?? null
  if (identity === null) return latestDataset(reader, project, path)
  return latestDatasetOf(reader, { project, path, identity, exceptRun: '' })
}

/** Each digest that a dataset was ever frozen to, as it was the last time, by the run that asked the source then. Newest first. */
export async function listFrozen(
  reader: Reader,
  { project, path, limit }: { readonly project: string; readonly path: string; readonly limit: number },
): Promise<FrozenDataset[]> {
  const rows = await selectDatasets(reader)
    .where('id', 'in', (query) =>
      query
        .selectFrom('datasets as one')
        .select(({ fn }) => fn.min('one.id').as('id'))
        .where('one.project', '=', project)
        .where('one.path', '=', path)
        .where('one.frozen_at', '=', (inner) =>
          inner
            .selectFrom('datasets as last')
            .select(({ fn }) => fn.max('last.frozen_at').as('frozen_at'))
            .whereRef('last.project', '=', 'one.project')
            .whereRef('last.path', '=', 'one.path')
            .whereRef('last.digest', '=', 'one.digest'),
        )
        .groupBy('one.digest'),
    )
    .orderBy('frozen_at', 'desc')
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(fromRow)
}

/** Paths that were ever frozen in a project. */
export async function listPaths(reader: Reader, project: string): Promise<string[]> {
  const rows = await reader
    .selectFrom('datasets')
    .select('path')
    .distinct()
    .where('project', '=', project)
    .orderBy('path')
    .limit(limit('pageRows'))
    .execute()
  return rows.map(({ path }) => path)
}

export async function listDatasets(reader: Reader, runId: string, limit: number): Promise<FrozenDataset[]> {
  const rows = await selectDatasets(reader)
    .where('run_id', '=', runId)
    .orderBy('path')
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(fromRow)
}

function selectDatasets(reader: Reader) {
  return reader
    .selectFrom('datasets')
    .select(['project', 'path', 'digest', 'artifact', 'rows', 'run_id', 'frozen_at', 'identity'])
}

/** Who takes a digest over has it with the time at which it was frozen: the first of a time is the run that froze it. */
function newestFirst(query: ReturnType<typeof selectDatasets>) {
  return query.orderBy('frozen_at', 'desc').orderBy('id')
}

type DatasetRow = Awaited<ReturnType<ReturnType<typeof selectDatasets>['execute']>>[number]

function fromRow(row: DatasetRow): FrozenDataset {
  return {
    project: row.project,
    path: row.path,
    digest: row.digest as Digest,
    artifact: JSON.parse(row.artifact) as ArtifactRef,
    rows: row.rows,
    runId: row.run_id,
    frozenAt: row.frozen_at,
    identity: row.identity,
  }
}
