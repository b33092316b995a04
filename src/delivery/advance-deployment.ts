import type { GatewayStatus } from '../core/route-table.ts'
import type { DeploymentRow } from '../db/tables.ts'
import type { DeliveryOptions } from './delivery-options.ts'
import { rulesOf } from './rules-of.ts'
import { activeIn, liveDeployment, refusedBundle } from './deployments.sql.ts'
import { noteWhy, tryMoveDeployment } from './move-deployment.ts'
import { beginRollout, observe, roll, settleRollBack } from './production/advance-rollout.ts'
import { approvalNeeded } from './production/approval.ts'
import { isWindowOpen } from './production/window.ts'

/**
 * One step of one deployment, from what its row says. Safe to call again with the same row: a step that was
 * taken already changes nothing, and traffic is made to follow the rows once more.
 */
export async function advanceDeployment(
  options: DeliveryOptions,
  deployment: DeploymentRow,
  status: GatewayStatus | undefined,
): Promise<void> {
  switch (deployment.state) {
    case 'queued':
      return admit(options, deployment)
    case 'awaiting-approval':
      return expire(options, deployment)
    case 'approved':
      return start(options, deployment)
    case 'starting':
      return warm(options, deployment, status)
    case 'rolling-out':
    case 'held':
      return roll(options, deployment, status)
    case 'rolling-back':
      return settleRollBack(options, deployment)
    case 'live':
      return observe(options, deployment, status)
    default:
      return undefined
  }
}

async function admit(options: DeliveryOptions, deployment: DeploymentRow): Promise<void> {
  const { database } = options
  const champion = await liveDeployment(database.read, deployment.project, deployment.environment)
  const asked = approvalNeeded(rulesOf(deployment), await options.isLast(deployment), champion !== undefined)
  if (asked !== undefined) {
    await database.write((writer) =>
      tryMoveDeployment(writer, database.kind, deployment, { event: 'ask', reason: asked }),
    )
    return
  }
  const active = await activeIn(database.read, deployment.project, deployment.environment)
  if (active !== undefined) return noteWhy(database, deployment, waitsFor(active))
  await database.write((writer) =>
    tryMoveDeployment(writer, database.kind, deployment, {
      event: 'admit',
      reason: 'the rules ask nobody',
      set: { approved_at: Date.now() },
    }),
  )
}

function waitsFor(active: DeploymentRow): string {
  return `version ${active.version} comes first: it is ${active.state}`
}

async function expire({ database }: DeliveryOptions, deployment: DeploymentRow): Promise<void> {
  const { approval } = rulesOf(deployment)
  if (approval === 'none' || Date.now() < deployment.created_at + approval.expiresMs) return
  await database.write((writer) =>
    tryMoveDeployment(writer, database.kind, deployment, {
      event: 'expire',
      reason: 'nobody decided in time',
      set: { ended_at: Date.now() },
    }),
  )
}

async function start({ database, traffic }: DeliveryOptions, deployment: DeploymentRow): Promise<void> {
  const { project, environment, bundle } = deployment
  const active = await activeIn(database.read, project, environment)
  if (active !== undefined && active.id !== deployment.id) return noteWhy(database, deployment, waitsFor(active))
  const refused = await refusedBundle(database.read, project, environment, bundle)
  if (refused !== undefined) {
    await database.write((writer) =>
      tryMoveDeployment(writer, database.kind, deployment, {
        event: 'fail',
        reason: `this bundle was rolled back while it waited: ${refused.reason}`,
        set: { ended_at: Date.now() },
      }),
    )
    return
  }
  const { window } = rulesOf(deployment)
  if (!isWindowOpen(window, Date.now()))
    return noteWhy(database, deployment, 'the window is closed; it starts when it opens')
  await database.write((writer) =>
    tryMoveDeployment(writer, database.kind, deployment, { event: 'start', reason: 'its model host is starting' }),
  )
  await traffic.apply()
}

async function warm(
  options: DeliveryOptions,
  deployment: DeploymentRow,
  status: GatewayStatus | undefined,
): Promise<void> {
  const { database, traffic } = options
  const host = status?.hosts.find(({ id }) => id === traffic.hostOf(deployment))
  if (host === undefined) return traffic.apply()
  if (host.state === 'ready') return beginRollout(options, deployment)
  if (host.state !== 'failed') return
  await database.write((writer) =>
    tryMoveDeployment(writer, database.kind, deployment, {
      event: 'fail',
      reason: `its model host failed: ${host.reason ?? 'no reason given'}`,
      set: { ended_at: Date.now() },
    }),
  )
  await traffic.apply()
}
