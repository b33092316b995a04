import { appendEvents } from '../db/outbox.ts'
import type { Database } from '../db/open-database.ts'
import { uuidv7 } from '../lib/uuidv7.ts'
import { type ActionRow, type AlertRow, insertAction } from './alerts.sql.ts'

/** Writes down what was done about an alert, or why nothing was, and tells. */
export async function recordAction(
  database: Database,
  alert: Pick<AlertRow, 'id' | 'project' | 'environment' | 'monitor'>,
  action: Pick<ActionRow, 'kind' | 'outcome' | 'detail' | 'run_id'>,
  at: number,
): Promise<void> {
  await database.write(async (writer) => {
    await insertAction(writer, { id: uuidv7(), alert_id: alert.id, ...action, at })
    await appendEvents(writer, database.kind, [
      {
        kind: 'action.taken',
        project: alert.project,
        subject: `${alert.project}/${alert.environment}`,
        data: {
          alert: alert.id,
          monitor: alert.monitor,
          action: action.kind,
          outcome: action.outcome,
          detail: action.detail,
          run: action.run_id,
        },
      },
    ])
  })
}
