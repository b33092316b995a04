import { AppError } from '../../core/errors.ts'
import type { Database, Reader, Writer } from '../../db/open-database.ts'
import { appendEvents, lockEvents } from '../../db/outbox.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import { uuidv7 } from '../../lib/uuidv7.ts'
import { voidSession } from '../acceptance/session-rules.ts'
import { activeIn, insertDeployment, liveDeployment, previousDeployment, refuseBundle } from '../deployments.sql.ts'
import { moveDeployment, tryMoveDeployment } from '../move-deployment.ts'

/** States that have, or may have, traffic of their own to take away. */
const ROLLING = ['starting', 'rolling-out', 'held', 'awaiting-acceptance']

/**
 * Takes a deployment's traffic away, in the caller's transaction: its weight is 0 in the same statement, so
 * the next route table already leaves it out. From `live` the version before becomes live again. The bundle
 * is refused in this environment until a person clears it. Answers undefined when somebody else was first;
 * STATE_CONFLICT when it is live and nothing served before it: an environment is never left empty.
 */
export async function beginRollBack(
  writer: Writer,
  kind: Database['kind'],
  deployment: DeploymentRow,
  reason: string,
  by: string,
): Promise<DeploymentRow | undefined> {
  await lockEvents(writer, kind)
  const previous = deployment.state === 'live' ? await whatWasBefore(writer, deployment) : undefined
  const moved = await tryMoveDeployment(writer, kind, deployment, {
    event: 'roll-back',
    reason,
    by,
    set: { weight: 0 },
  })
  if (moved === undefined) return undefined
  await refuseBundle(writer, deployment, reason)
  await voidSession(writer, kind, deployment, `version ${deployment.version} was rolled back`)
  if (previous !== undefined) await restore(writer, kind, { previous, from: deployment, reason, by })
  return moved
}

/** The person's word: what is rolling out goes back, else what is live does. */
export async function rollBackEnvironment(
  writer: Writer,
  kind: Database['kind'],
  where: { project: string; environment: string },
  reason: string,
  by: string,
): Promise<DeploymentRow> {
  const target = await targetOf(writer, where)
  const moved = await beginRollBack(writer, kind, target, reason, by)
  if (moved !== undefined) return moved
  throw new AppError(
    'STATE_CONFLICT',
    `Version ${target.version} in ${where.environment} has just moved on. Look at it again.`,
  )
}

async function targetOf(
  writer: Writer,
  { project, environment }: { project: string; environment: string },
): Promise<DeploymentRow> {
  const active = await activeIn(writer, project, environment)
  if (active !== undefined && ROLLING.includes(active.state)) return active
  if (active?.state === 'rolling-back')
    throw new AppError('STATE_CONFLICT', `Version ${active.version} is being rolled back in ${environment} already.`)
  const live = await liveDeployment(writer, project, environment)
  if (live === undefined)
    throw new AppError('NOT_FOUND', `Nothing serves ${project}/${environment}, so there is nothing to roll back.`)
  return live
}

async function whatWasBefore(reader: Reader, live: DeploymentRow): Promise<DeploymentRow> {
  const previous = await previousDeployment(reader, live)
  if (previous !== undefined) return previous
  throw new AppError(
    'STATE_CONFLICT',
    `There is no version to go back to from version ${live.version} in ${live.environment}: none served before it that was not rolled back itself. Deploy one with \`tidegate deploy\`.`,
  )
}

/** The pointer: a new live row for the version before, whose host is still warm. */
async function restore(
  writer: Writer,
  kind: Database['kind'],
  { previous, from, reason, by }: { previous: DeploymentRow; from: DeploymentRow; reason: string; by: string },
): Promise<void> {
  const now = Date.now()
  const why = `back from version ${from.version}: ${reason}`
  const row: DeploymentRow = {
    ...previous,
    id: uuidv7(),
    state: 'live',
    reason: why,
    champion: from.version,
    requested_by: by,
    weight: 1,
    epoch: uuidv7(),
    created_at: now,
    approved_at: now,
    live_at: now,
    ended_at: null,
  }
  await insertDeployment(writer, row)
  const data = {
    deployment: row.id,
    environment: row.environment,
    version: row.version,
    state: row.state,
    reason: why,
    weight: 1,
    run: row.run_id,
    by,
  }
  await appendEvents(writer, kind, [
    { kind: 'deployment.moved', project: row.project, subject: `${row.project}/${row.environment}`, data },
  ])
}

/** Called once the gateway has the new table and the last of its answers is out. */
export async function finishRollBack(writer: Writer, kind: Database['kind'], deployment: DeploymentRow): Promise<void> {
  await moveDeployment(writer, kind, deployment, {
    event: 'settle',
    reason: deployment.reason ?? 'rolled back',
    set: { ended_at: Date.now() },
  })
}
