import { limit } from '../core/limits.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'

export type ScheduleRow = Tables['schedules']
type ScheduleKey = Pick<ScheduleRow, 'project' | 'cron' | 'timezone'>

/** Those of a project, the next one first. */
export function schedulesOf(reader: Reader, project: string): Promise<ScheduleRow[]> {
  return reader
    .selectFrom('schedules')
    .selectAll()
    .where('project', '=', project)
    .orderBy('next_at')
    .orderBy('cron')
    .orderBy('timezone')
    .limit(limit('pageRows'))
    .execute()
}

/** Oldest first. */
export function dueSchedules(reader: Reader, now: number): Promise<ScheduleRow[]> {
  return reader
    .selectFrom('schedules')
    .selectAll()
    .where('next_at', '<=', now)
    .orderBy('next_at')
    .orderBy('project')
    .orderBy('cron')
    .orderBy('timezone')
    .limit(limit('pageRows'))
    .execute()
}

/** When the next of all comes due; undefined: there is none. */
export async function nextDueAt(reader: Reader): Promise<number | undefined> {
  const row = await reader
    .selectFrom('schedules')
    .select(({ fn }) => fn.min('next_at').as('next_at'))
    .executeTakeFirst()
  return row?.next_at ?? undefined
}

/** One that is there keeps its time: what it missed is still caught up. */
export async function insertSchedule(writer: Writer, row: ScheduleRow): Promise<void> {
  await writer
    .insertInto('schedules')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function deleteSchedule(writer: Writer, { project, cron, timezone }: ScheduleKey): Promise<void> {
  await writer
    .deleteFrom('schedules')
    .where('project', '=', project)
    .where('cron', '=', cron)
    .where('timezone', '=', timezone)
    .execute()
}

export async function deleteSchedulesOf(writer: Writer, project: string): Promise<void> {
  await writer.deleteFrom('schedules').where('project', '=', project).execute()
}

/** False: somebody has moved it on already, or it is gone. */
export async function moveSchedule(
  writer: Writer,
  { project, cron, timezone, next_at }: ScheduleRow,
  set: Pick<ScheduleRow, 'next_at' | 'last_at'>,
): Promise<boolean> {
  const moved = await writer
    .updateTable('schedules')
    .set(set)
    .where('project', '=', project)
    .where('cron', '=', cron)
    .where('timezone', '=', timezone)
    .where('next_at', '=', next_at)
    .returning('project')
    .executeTakeFirst()
  return moved !== undefined
}

export async function setLastRun(writer: Writer, { project, cron, timezone }: ScheduleKey, run: string): Promise<void> {
  await writer
    .updateTable('schedules')
    .set({ last_run: run })
    .where('project', '=', project)
    .where('cron', '=', cron)
    .where('timezone', '=', timezone)
    .execute()
}
