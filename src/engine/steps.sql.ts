import { sql } from 'kysely'
import type { Reader } from '../db/open-database.ts'
import { prepared, preparedFor } from '../db/prepared.ts'
import type { StepRow } from '../db/tables.ts'

/** A step without its outputs, which may be large. */
export interface StepGlance {
  readonly run_id: string
  readonly key: string
  readonly state: StepRow['state']
  readonly why: string | null
  readonly cache: StepRow['cache']
  readonly reason: StepRow['reason']
  readonly message: string | null
  readonly ended_at: number | null
  readonly position: number
  /** 1: a waiting step that takes over the outputs it already has. */
  readonly adopts: number
}

export async function glanceAtSteps(reader: Reader, runIds: readonly string[]): Promise<StepGlance[]> {
  if (runIds.length === 0) return []
  return glances(reader)
    .where('run_id', 'in', [...runIds])
    .orderBy('run_id')
    .orderBy('position')
    .execute()
}

export async function glanceAtTheseSteps(
  reader: Reader,
  runId: string,
  keys: readonly string[],
): Promise<StepGlance[]> {
  if (keys.length === 0) return []
  return glancesOf(reader, keys.length, [runId, ...keys])
}

const glancesOf = preparedFor<number, StepGlance>((reader, _, [runId, ...keys]) =>
  glances(reader).where('run_id', '=', runId!).where('key', 'in', keys),
)

function glances(reader: Reader) {
  return reader
    .selectFrom('steps')
    .select(['run_id', 'key', 'state', 'why', 'cache', 'reason', 'message', 'ended_at', 'position'])
    .select(sql<number>`case when state = 'waiting' and outputs is not null then 1 else 0 end`.as('adopts'))
}

/** Where a step of a run stands, as lists of runs tell it. */
export type StepProgress = Pick<StepRow, (typeof PROGRESS)[number]>

const PROGRESS = ['key', 'stage', 'state', 'reason', 'message', 'why', 'cache', 'started_at', 'ended_at'] as const

/** In the plan's order. */
export async function listStepProgress(reader: Reader, runId: string): Promise<StepProgress[]> {
  return reader
    .selectFrom('steps')
    .select([...PROGRESS])
    .where('run_id', '=', runId)
    .orderBy('position')
    .execute()
}

export async function getStep(reader: Reader, runId: string, key: string): Promise<StepRow | undefined> {
  return (await selectStep(reader, runId, key))[0]
}

const selectStep = prepared((reader, runId: string, key: string) =>
  reader.selectFrom('steps').selectAll().where('run_id', '=', runId).where('key', '=', key),
)

/** Of the steps that have succeeded; of these alone, where `keys` are given. */
export async function listOutputs(
  reader: Reader,
  runId: string,
  keys?: readonly string[],
): Promise<{ key: string; outputs: string }[]> {
  if (keys?.length === 0) return []
  const rows = await selectOutputs(reader, keys?.length ?? 0, [runId, ...(keys ?? [])])
  return rows.flatMap((row) => (row.outputs === null ? [] : [{ key: row.key, outputs: row.outputs }]))
}

const selectOutputs = preparedFor<number, Pick<StepRow, 'key' | 'outputs'>>((reader, count, [runId, ...keys]) => {
  const query = reader
    .selectFrom('steps')
    .select(['key', 'outputs'])
    .where('run_id', '=', runId!)
    .where('state', '=', 'succeeded')
    .orderBy('position')
  return count === 0 ? query : query.where('key', 'in', keys)
})

/** Statements stay below SQLite's count of variables. */
const ROWS_PER_STATEMENT = 500

export async function insertSteps(writer: Reader, rows: readonly StepRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
    await writer
      .insertInto('steps')
      .values(rows.slice(from, from + ROWS_PER_STATEMENT))
      .execute()
  }
}

/** Says why steps wait. Not a change of state: a step that has moved on keeps its own words. */
export async function setWaitingWhy(
  writer: Reader,
  runId: string,
  keys: readonly string[],
  why: string,
): Promise<void> {
  for (let from = 0; from < keys.length; from += ROWS_PER_STATEMENT) {
    await writer
      .updateTable('steps')
      .set({ why })
      .where('run_id', '=', runId)
      .where('key', 'in', keys.slice(from, from + ROWS_PER_STATEMENT))
      .where('state', '=', 'waiting')
      .execute()
  }
}
