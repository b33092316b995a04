import type { Updateable } from 'kysely'
import { DEPLOYMENT_TRANSITIONS } from '../core/deployment-state.ts'
import { appendEvents } from '../db/outbox.ts'
import type { Database, Writer } from '../db/open-database.ts'
import type { DeploymentRow, Tables } from '../db/tables.ts'
import { transition, tryTransition } from '../db/transition.ts'

type Move = { event: string; reason: string; set?: Updateable<Tables['deployments']>; by?: string }

/** Moves a deployment and tells of it, or throws STATE_CONFLICT. */
export async function moveDeployment(
  writer: Writer,
  kind: Database['kind'],
  deployment: DeploymentRow,
  move: Move,
): Promise<DeploymentRow> {
  const what = `Deployment of ${deployment.model}@${deployment.version} to ${deployment.environment}`
  const row = await transition(writer, asTransition(deployment, move), what)
  await tell(writer, kind, row, move)
  return row
}

/** As `moveDeployment`, but answers undefined when somebody else was first. */
export async function tryMoveDeployment(
  writer: Writer,
  kind: Database['kind'],
  deployment: DeploymentRow,
  move: Move,
): Promise<DeploymentRow | undefined> {
  const row = await tryTransition(writer, asTransition(deployment, move))
  if (row !== undefined) await tell(writer, kind, row, move)
  return row
}

/**
 * Why it still waits where it is, for people to see. Not a change of state and no event: only a row that is
 * still in that state, and only when the reason is another one.
 */
export async function noteWhy(database: Database, deployment: DeploymentRow, why: string): Promise<void> {
  if (deployment.reason === why) return
  await database.write((writer) =>
    writer
      .updateTable('deployments')
      .set({ reason: why })
      .where('id', '=', deployment.id)
      .where('state', '=', deployment.state)
      .execute(),
  )
}

function asTransition(deployment: DeploymentRow, move: Move) {
  return {
    table: 'deployments',
    transitions: DEPLOYMENT_TRANSITIONS,
    event: move.event,
    where: { id: deployment.id },
    set: { ...move.set, reason: move.reason },
  } as const
}

async function tell(writer: Writer, kind: Database['kind'], row: DeploymentRow, move: Move): Promise<void> {
  const data = {
    deployment: row.id,
    environment: row.environment,
    version: row.version,
    state: row.state,
    reason: move.reason,
    weight: row.weight,
    run: row.run_id,
    by: move.by ?? null,
  }
  await appendEvents(writer, kind, [
    { kind: 'deployment.moved', project: row.project, subject: `${row.project}/${row.environment}`, data },
  ])
}
