import type { Insertable } from 'kysely'
import { ALERT_TRANSITIONS } from '../core/deployment-state.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'
import { tryTransition } from '../db/transition.ts'
import type { MonitorPlace } from './windows.sql.ts'

export type AlertRow = Tables['alerts']
export type ActionRow = Tables['actions']

export async function insertAlert(writer: Writer, row: Insertable<Tables['alerts']>): Promise<void> {
  await writer.insertInto('alerts').values(row).execute()
}

export async function getAlert(reader: Reader, id: string): Promise<AlertRow | undefined> {
  return reader.selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The alert of this monitor and version that has not been resolved. */
export async function firingAlert(
  reader: Reader,
  { project, environment, monitor, version }: MonitorPlace,
): Promise<AlertRow | undefined> {
  return reader
    .selectFrom('alerts')
    .selectAll()
    .where('project', '=', project)
    .where('environment', '=', environment)
    .where('monitor', '=', monitor)
    .where('version', '=', version)
    .where('state', '=', 'firing')
    .orderBy('fired_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Firing alerts of an environment about versions other than the one that serves. */
export async function alertsOfOthers(
  reader: Reader,
  project: string,
  environment: string,
  version: number,
): Promise<AlertRow[]> {
  return reader
    .selectFrom('alerts')
    .selectAll()
    .where('project', '=', project)
    .where('environment', '=', environment)
    .where('version', '!=', version)
    .where('state', '=', 'firing')
    .orderBy('id')
    .limit(1_000)
    .execute()
}

/** Undefined when it is resolved already. */
export async function resolveAlert(writer: Writer, id: string, at: number): Promise<AlertRow | undefined> {
  return tryTransition(writer, {
    table: 'alerts',
    transitions: ALERT_TRANSITIONS,
    event: 'resolve',
    where: { id },
    set: { resolved_at: at },
  })
}

/** Newest first. */
export async function listAlerts(reader: Reader, project: string, limit: number): Promise<AlertRow[]> {
  return reader
    .selectFrom('alerts')
    .selectAll()
    .where('project', '=', project)
    .orderBy('fired_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** What monitors found about one version, newest first. */
export async function alertsOfVersion(reader: Reader, project: string, version: number): Promise<AlertRow[]> {
  return reader
    .selectFrom('alerts')
    .selectAll()
    .where('project', '=', project)
    .where('version', '=', version)
    .orderBy('fired_at', 'desc')
    .orderBy('id', 'desc')
    .limit(200)
    .execute()
}

export async function insertAction(writer: Writer, row: Insertable<Tables['actions']>): Promise<void> {
  await writer.insertInto('actions').values(row).execute()
}

/** What was done about alerts, oldest first. */
export async function listActions(reader: Reader, alertIds: readonly string[]): Promise<ActionRow[]> {
  if (alertIds.length === 0) return []
  return reader
    .selectFrom('actions')
    .selectAll()
    .where('alert_id', 'in', alertIds)
    .orderBy('at')
    .orderBy('id')
    .limit(10_000)
    .execute()
}

/** The newest retraining runs that alerts of a project started: the history that admission looks at. */
export async function retrainingActions(reader: Reader, project: string): Promise<Pick<ActionRow, 'at' | 'run_id'>[]> {
  return reader
    .selectFrom('actions')
    .innerJoin('alerts', 'alerts.id', 'actions.alert_id')
    .select(['actions.at', 'actions.run_id'])
    .where('alerts.project', '=', project)
    .where('actions.kind', '=', 'retrain')
    .where('actions.outcome', '=', 'done')
    .orderBy('actions.at', 'desc')
    .orderBy('actions.id', 'desc')
    .limit(200)
    .execute()
}
