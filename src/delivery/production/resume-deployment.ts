import type { Database, Writer } from '../../db/open-database.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import { moveDeployment } from '../move-deployment.ts'

/** Lets a held rollout go on, with its phase begun anew; a person's word. */
export async function resumeDeployment(
  writer: Writer,
  kind: Database['kind'],
  deployment: DeploymentRow,
  by: string,
  comment: string,
): Promise<DeploymentRow> {
  const reason = `${by} let it go on${comment === '' ? '' : `: ${comment}`}`
  return moveDeployment(writer, kind, deployment, {
    event: 'resume',
    reason,
    by,
    set: { phase_started_at: Date.now() },
  })
}
