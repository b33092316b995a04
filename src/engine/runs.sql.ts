import { sql, type Insertable, type SqlBool } from 'kysely'
import { finalStates } from '../core/transitions.ts'
import { RUN_TRANSITIONS } from '../core/run-state.ts'
import { limit } from '../core/limits.ts'
import type { Reader } from '../db/open-database.ts'
import { prepared } from '../db/prepared.ts'
import type { Plan } from '../core/plan.ts'
import type { AttemptRow, RunPlanRow, RunRow, StepRow } from '../db/tables.ts'

const ENDED = finalStates(RUN_TRANSITIONS)

export interface RunPage {
  readonly project?: string
  /** The id of the last run of the page before. */
  readonly before?: string
  readonly limit: number
}

/** Newest first. */
export async function listRuns(reader: Reader, page: RunPage): Promise<RunRow[]> {
  const { project, before } = page
  const runs = reader.selectFrom('runs').selectAll().limit(pageRows(page.limit))
  if (project !== undefined) {
    // Numbers, and not times: runs of one push are created within a millisecond.
    const query = runs.where('project', '=', project).orderBy('number', 'desc')
    if (before === undefined) return query.execute()
    return query.where(sql<SqlBool>`number < (select number from runs where id = ${before})`).execute()
  }
  const query = runs.orderBy('created_at', 'desc').orderBy('project', 'desc').orderBy('number', 'desc')
  if (before === undefined) return query.execute()
  const isBefore = sql<SqlBool>`(created_at, project, number) < (select created_at, project, number from runs where id = ${before})`
  return query.where(isBefore).execute()
}

export async function getRun(reader: Reader, id: string): Promise<RunRow | undefined> {
  return reader.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function getPlan(reader: Reader, runId: string): Promise<Plan> {
  return (await getPlanned(reader, runId)).plan
}

/** The plan of a run, and the text that it was made from. */
export async function getPlanned(reader: Reader, runId: string): Promise<{ pipelineText: string; plan: Plan }> {
  const row = await reader
    .selectFrom('run_plans')
    .select(['pipeline_text', 'plan'])
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow()
  return { pipelineText: row.pipeline_text, plan: JSON.parse(row.plan) as Plan }
}

/** The columns of a run that change. */
export async function getRunState(
  reader: Reader,
  id: string,
): Promise<Pick<RunRow, 'state' | 'reason' | 'cancel_mode' | 'started_at' | 'ended_at'>> {
  const [row] = await selectRunState(reader, id)
  if (row === undefined) throw new Error(`there is no run ${id}`)
  return row
}

const selectRunState = prepared((reader, id: string) =>
  reader.selectFrom('runs').select(['state', 'reason', 'cancel_mode', 'started_at', 'ended_at']).where('id', '=', id),
)

/** Of at most a few hundred keys; by project and number. */
export function findRunsByDedupeKeys(reader: Reader, keys: readonly string[]): Promise<RunRow[]> {
  if (keys.length === 0) return Promise.resolve([])
  return reader
    .selectFrom('runs')
    .selectAll()
    .where('dedupe_key', 'in', keys)
    .orderBy('project')
    .orderBy('number')
    .limit(keys.length)
    .execute()
}

export async function findRunByDedupeKey(reader: Reader, key: string): Promise<RunRow | undefined> {
  return reader.selectFrom('runs').selectAll().where('dedupe_key', '=', key).executeTakeFirst()
}

/** In the plan's order; at most `planSteps` of the limits. */
export async function listSteps(reader: Reader, runId: string): Promise<StepRow[]> {
  return reader.selectFrom('steps').selectAll().where('run_id', '=', runId).orderBy('position').execute()
}

export interface AttemptPage {
  readonly step?: string
  /** The id of the last attempt of the page before. */
  readonly after?: string
  readonly limit: number
}

/** Attempts of a run, by id. */
export async function listAttempts(reader: Reader, runId: string, page: AttemptPage): Promise<AttemptRow[]> {
  let query = reader
    .selectFrom('attempts')
    .selectAll()
    .where('run_id', '=', runId)
    .orderBy('step')
    .orderBy('number')
    .limit(pageRows(page.limit))
  if (page.step !== undefined) query = query.where('step', '=', page.step)
  if (page.after !== undefined) {
    const { after } = page
    query = query.where(sql<SqlBool>`(step, number) > (select step, number from attempts where id = ${after})`)
  }
  return query.execute()
}

/** Of each step that has begun. */
export async function listLastAttempts(reader: Reader, runId: string): Promise<AttemptRow[]> {
  return reader
    .selectFrom('attempts')
    .innerJoin('steps', (join) =>
      join
        .onRef('steps.run_id', '=', 'attempts.run_id')
        .onRef('steps.key', '=', 'attempts.step')
        .onRef('steps.attempt', '=', 'attempts.number'),
    )
    .selectAll('attempts')
    .where('attempts.run_id', '=', runId)
    .orderBy('steps.position')
    .execute()
}

function pageRows(asked: number): number {
  return Math.max(1, Math.min(asked, limit('pageRows')))
}

/** What the scheduler looks at in every pass: a run without its texts. */
export type RunGlance = Pick<RunRow, (typeof GLANCED)[number]>

const GLANCED = [
  'id',
  'project',
  'number',
  'state',
  'reason',
  'cancel_mode',
  'branch',
  'event',
  'tag',
  'concurrency_group',
  'created_at',
] as const

/** Runs that have not ended, oldest first. */
export async function listActiveRuns(reader: Reader): Promise<RunGlance[]> {
  return reader
    .selectFrom('runs')
    .select([...GLANCED])
    .where('state', 'in', ['queued', 'running', 'cancelling'])
    .orderBy('created_at')
    .orderBy('project')
    .orderBy('number')
    .execute()
}

export async function glanceAtRuns(reader: Reader, ids: readonly string[]): Promise<RunGlance[]> {
  if (ids.length === 0) return []
  return reader
    .selectFrom('runs')
    .select([...GLANCED])
    .where('id', 'in', [...ids])
    .execute()
}

/** Older runs of a concurrency group that have not ended, oldest first. */
export async function listGroupAhead(
  reader: Reader,
  run: Pick<RunRow, 'project' | 'number'>,
  group: string,
): Promise<RunRow[]> {
  return reader
    .selectFrom('runs')
    .selectAll()
    .where('project', '=', run.project)
    .where('concurrency_group', '=', group)
    .where('number', '<', run.number)
    .where('state', 'not in', ENDED)
    .orderBy('number')
    .execute()
}

export async function nextRunNumber(reader: Reader, project: string): Promise<number> {
  const row = await reader
    .selectFrom('runs')
    .select(({ fn }) => fn.max('number').as('number'))
    .where('project', '=', project)
    .executeTakeFirst()
  return (row?.number ?? 0) + 1
}

export async function insertRun(writer: Reader, run: Insertable<RunRow>, plan: RunPlanRow): Promise<RunRow> {
  await writer.insertInto('run_plans').values(plan).execute()
  return writer.insertInto('runs').values(run).returningAll().executeTakeFirstOrThrow()
}

export async function setRunEnded(writer: Reader, id: string, at: number): Promise<void> {
  await writer.updateTable('runs').set({ ended_at: at }).where('id', '=', id).execute()
}

/** Says why a run is still in the queue. Not a change of state: a run that has started has no such reason. */
export async function setQueuedWhy(writer: Reader, ids: readonly string[], why: string): Promise<void> {
  for (let from = 0; from < ids.length; from += IDS_PER_STATEMENT) {
    await writer
      .updateTable('runs')
      .set({ reason: why })
      .where('id', 'in', ids.slice(from, from + IDS_PER_STATEMENT))
      .where('state', '=', 'queued')
      .execute()
  }
}

/** Statements stay below SQLite's count of variables. */
const IDS_PER_STATEMENT = 500
