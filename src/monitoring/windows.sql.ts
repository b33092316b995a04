import type { Insertable } from 'kysely'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'
import type { MonitorFinding } from './monitor-finding.ts'

export interface MonitorPlace {
  readonly project: string
  readonly environment: string
  readonly monitor: string
  readonly version: number
}

export type MonitorWindowRow = Omit<Tables['monitor_windows'], 'id'> & { readonly id: number }

export async function insertWindow(writer: Writer, row: Insertable<Tables['monitor_windows']>): Promise<void> {
  await writer.insertInto('monitor_windows').values(row).execute()
}

/** States of the newest windows of one version, oldest first. */
export async function recentStates(
  reader: Reader,
  place: MonitorPlace,
  count: number,
): Promise<MonitorFinding['state'][]> {
  const rows = await windowsOf(reader, place)
    .select('state')
    .where('state', '!=', 'too-few-rows')
    .limit(count)
    .execute()
  return rows.map(({ state }) => state).reverse()
}

/** Where the next window of this version begins: the end of the newest one. */
export async function lastWindowEnd(reader: Reader, place: MonitorPlace): Promise<number | undefined> {
  const row = await windowsOf(reader, place).select('to_at').limit(1).executeTakeFirst()
  return row?.to_at
}

/** What monitors of a project saw, newest first; `before` is the id of the last one already seen. */
export async function listWindows(
  reader: Reader,
  filter: { project: string; environment?: string | undefined; before?: number | undefined; limit: number },
): Promise<MonitorWindowRow[]> {
  let query = reader.selectFrom('monitor_windows').selectAll().where('project', '=', filter.project)
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment)
  if (filter.before !== undefined) query = query.where('id', '<', filter.before)
  return query.orderBy('id', 'desc').limit(filter.limit).execute()
}

function windowsOf(reader: Reader, { project, environment, monitor, version }: MonitorPlace) {
  return reader
    .selectFrom('monitor_windows')
    .where('project', '=', project)
    .where('environment', '=', environment)
    .where('monitor', '=', monitor)
    .where('version', '=', version)
    .orderBy('id', 'desc')
}
