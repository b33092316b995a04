import { appendEvents } from '../db/outbox.ts'
import type { Database, Writer } from '../db/open-database.ts'
import { uuidv7 } from '../lib/uuidv7.ts'
import { type AlertRow, alertsOfOthers, firingAlert, insertAlert, resolveAlert } from './alerts.sql.ts'
import { decideAlert } from './decide-alert.ts'
import type { MonitorFinding } from './monitor-finding.ts'
import { insertWindow, type MonitorPlace, recentStates } from './windows.sql.ts'

export interface SeenWindow {
  readonly place: MonitorPlace
  /** `drift`, `quality`, `performance`, `latency`. */
  readonly kind: string
  readonly forWindows: number
  readonly finding: MonitorFinding
  /** Epoch milliseconds. */
  readonly from: number
  readonly to: number
  readonly rows: number
}

export type AlertChange = { readonly kind: 'fired' | 'resolved'; readonly alertId: string } | { readonly kind: 'none' }

/**
 * Writes down what a monitor saw, and in the same transaction fires or resolves its alert, with the event.
 * One caller per monitor at a time: windows count in the order in which they are recorded.
 */
export async function recordFinding(database: Database, seen: SeenWindow, at: number): Promise<AlertChange> {
  return database.write(async (writer) => {
    await insertWindow(writer, windowRow(seen, at))
    // Such a window decides nothing, whatever came before it.
    if (seen.finding.state === 'too-few-rows') return { kind: 'none' }
    const windows = await recentStates(writer, seen.place, seen.forWindows)
    const firing = await firingAlert(writer, seen.place)
    const change = decideAlert({ windows, forWindows: seen.forWindows, isFiring: firing !== undefined })
    if (change === 'fire') return fire(writer, database.kind, seen, at)
    if (change === 'resolve' && firing !== undefined) {
      return resolve(writer, database.kind, firing, { summary: seen.finding.summary, at })
    }
    return { kind: 'none' }
  })
}

/** Resolves alerts about versions that no longer serve. Answers their ids. */
export async function resolveReplaced(
  database: Database,
  project: string,
  environment: string,
  serving: number,
  at: number,
): Promise<string[]> {
  return database.write(async (writer) => {
    const resolved: string[] = []
    for (const alert of await alertsOfOthers(writer, project, environment, serving)) {
      const summary = `Version ${alert.version} no longer serves ${environment}; version ${serving} does.`
      const change = await resolve(writer, database.kind, alert, { summary, at })
      if (change.kind === 'resolved') resolved.push(change.alertId)
    }
    return resolved
  })
}

function windowRow({ place, finding, from, to, rows }: SeenWindow, at: number): Parameters<typeof insertWindow>[1] {
  const { state, summary, evidence } = finding
  return { ...place, from_at: from, to_at: to, rows, state, summary, evidence: JSON.stringify(evidence), at }
}

async function fire(
  writer: Writer,
  kind: Database['kind'],
  { place, finding, ...seen }: SeenWindow,
  at: number,
): Promise<AlertChange> {
  const id = uuidv7()
  await insertAlert(writer, {
    id,
    ...place,
    kind: seen.kind,
    state: 'firing',
    summary: finding.summary,
    evidence: JSON.stringify(finding.evidence),
    fired_at: at,
    resolved_at: null,
  })
  await appendEvents(writer, kind, [
    {
      kind: 'alert.fired',
      project: place.project,
      subject: `${place.project}/${place.environment}`,
      data: { alert: id, ...place, kind: seen.kind, summary: finding.summary },
    },
  ])
  return { kind: 'fired', alertId: id }
}

async function resolve(
  writer: Writer,
  kind: Database['kind'],
  alert: AlertRow,
  why: { summary: string; at: number },
): Promise<AlertChange> {
  const resolved = await resolveAlert(writer, alert.id, why.at)
  if (resolved === undefined) return { kind: 'none' }
  const { project, environment, monitor, version } = alert
  await appendEvents(writer, kind, [
    {
      kind: 'alert.resolved',
      project,
      subject: `${project}/${environment}`,
      data: { alert: alert.id, project, environment, monitor, version, kind: alert.kind, summary: why.summary },
    },
  ])
  return { kind: 'resolved', alertId: alert.id }
}
