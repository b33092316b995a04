import { requireRole } from '../../access/require-role.ts'
import { AppError } from '../../core/errors.ts'
import type { Reader } from '../../db/open-database.ts'
import { listDeployments } from '../../delivery/deployments.sql.ts'
import { listActions, listAlerts } from '../../monitoring/alerts.sql.ts'
import { recordLabels } from '../../monitoring/record-labels.ts'
import { listWindows } from '../../monitoring/windows.sql.ts'
import type { Installation } from '../../flow/installation.ts'
import type { Handlers } from '../handlers.ts'

const MOST = 200

/** Labels of a place that never answered anything belong to no prediction: a wrong name, told at once. */
async function mustServe(
  reader: Reader,
  { project, environment }: { project: string; environment: string },
): Promise<void> {
  const [known] = await listDeployments(reader, { project, environment, limit: 1 })
  if (known !== undefined) return
  throw new AppError(
    'NOT_FOUND',
    `${project} has never served anything in "${environment}". Name the environment whose predictions these labels are for.`,
  )
}

export function monitoringHandlers({
  database,
}: Installation): Pick<Handlers, 'listAlerts' | 'listMonitorWindows' | 'sendLabels'> {
  return {
    async listAlerts({ params }) {
      const alerts = await listAlerts(database.read, params.project, MOST)
      const actions = await listActions(
        database.read,
        alerts.map(({ id }) => id),
      )
      return {
        alerts: alerts.map((alert) => ({
          id: alert.id,
          project: alert.project,
          environment: alert.environment,
          monitor: alert.monitor,
          kind: alert.kind,
          version: alert.version,
          state: alert.state,
          summary: alert.summary,
          evidence: JSON.parse(alert.evidence) as unknown,
          firedAt: alert.fired_at,
          resolvedAt: alert.resolved_at,
          actions: actions
            .filter(({ alert_id: id }) => id === alert.id)
            .map(({ kind, outcome, detail, run_id: run, at }) => ({ kind, outcome, detail, run, at })),
        })),
      }
    },
    async listMonitorWindows({ params }) {
      const rows = await listWindows(database.read, { project: params.project, limit: MOST })
      return {
        windows: rows.map((row) => ({
          environment: row.environment,
          monitor: row.monitor,
          version: row.version,
          rows: row.rows,
          state: row.state,
          summary: row.summary,
          evidence: JSON.parse(row.evidence) as unknown,
          from: row.from_at,
          to: row.to_at,
          at: row.at,
        })),
      }
    },
    async sendLabels({ body, identity }) {
      await requireRole(database.read, identity, body.project, 'developer')
      await mustServe(database.read, body)
      const labels = body.labels.map(({ id, row, label }) => ({ predictionId: id, row, label: String(label) }))
      return recordLabels(
        database,
        { project: body.project, environment: body.environment, person: identity.person, labels },
        Date.now(),
      )
    },
  }
}
