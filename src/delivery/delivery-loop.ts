import { commitBell } from '../db/outbox.ts'
import type { DeploymentRow } from '../db/tables.ts'
import { advanceDeployment } from './advance-deployment.ts'
import type { DeliveryOptions } from './delivery-options.ts'
import { askTesters } from './acceptance/ask-testers.ts'
import { unfinishedDeployments } from './deployments.sql.ts'

/** Between looks at deployments that traffic may have to be taken from: rails must bite within a second. */
const MOVING_LOOK_MS = 150
/** Between looks when nothing moves by itself; a commit wakes the loop earlier. */
const IDLE_LOOK_MS = 1_000

const MOVING = new Set(['starting', 'rolling-out', 'held', 'rolling-back'])
const WATCHED = new Set([...MOVING, 'live'])

/**
 * Drives every unfinished deployment, one guarded step at a time, until `signal` aborts. Rows are the
 * truth: after a crash the next look goes on from them. Each effect on traffic follows its row and can be
 * repeated. A look that fails is tried again; it never ends the loop.
 */
export async function runDelivery(options: DeliveryOptions, signal: AbortSignal): Promise<void> {
  const bell = commitBell(options.database)
  const asking = new Map<string, Promise<void>>()
  try {
    while (!signal.aborted) {
      const isMoving = await look(options, asking, signal)
      await bell.wait(isMoving ? MOVING_LOOK_MS : IDLE_LOOK_MS, signal)
      await pause(MOVING_LOOK_MS, signal)
    }
  } finally {
    bell.stop()
    await Promise.all(asking.values())
  }
}

async function look(
  options: DeliveryOptions,
  asking: Map<string, Promise<void>>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const deployments = await unfinishedDeployments(options.database.read)
    const needsStatus = deployments.some(({ state }) => WATCHED.has(state))
    const status = needsStatus ? await options.traffic.status() : undefined
    for (const deployment of deployments) {
      if (deployment.state === 'awaiting-acceptance') askBeside(options, deployment, asking, signal)
      else await logged(options, deployment, () => advanceDeployment(options, deployment, status))
    }
    return deployments.some(({ state }) => MOVING.has(state))
  } catch (error) {
    options.log.error({ error: String(error) }, 'look at deployments failed, will be tried again')
    return true
  }
}

/** Asking the models of one project for answers takes as long as they take; everybody else's rails do not wait. */
function askBeside(
  options: DeliveryOptions,
  deployment: DeploymentRow,
  asking: Map<string, Promise<void>>,
  signal: AbortSignal,
): void {
  if (asking.has(deployment.id)) return
  const asked = logged(options, deployment, () => askTesters(options, deployment, signal))
  asking.set(
    deployment.id,
    asked.finally(() => asking.delete(deployment.id)),
  )
}

async function logged({ log }: DeliveryOptions, deployment: DeploymentRow, step: () => Promise<void>): Promise<void> {
  try {
    await step()
  } catch (error) {
    log.error({ deployment: deployment.id, error: String(error) }, 'deployment step failed, will be tried again')
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, ms))
}
