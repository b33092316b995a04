import { isAppError } from '../../core/errors.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import type { DeliveryOptions } from '../delivery-options.ts'
import { tryMoveDeployment } from '../move-deployment.ts'
import { openSession, type NewSession } from './open-session.ts'
import { voidSession } from './session-rules.ts'
import { sessionOf } from './acceptance.sql.ts'

/**
 * Opens a deployment's session, once; opens it anew when the champion it compared with has changed. Cases
 * that cannot be read end the delivery: another look would find the same commit.
 */
export async function askTesters(
  options: DeliveryOptions,
  deployment: DeploymentRow,
  signal: AbortSignal,
): Promise<void> {
  const { database, traffic } = options
  const session = await sessionOf(database.read, deployment.id)
  if (session?.state === 'open') {
    if (session.champion === (await traffic.championBundle(deployment))) return
    const why = 'the champion has changed'
    await database.write((writer) => voidSession(writer, database.kind, deployment, why))
    return
  }
  if (session !== undefined && session.state !== 'void') return
  const wanted = await newSession(options, deployment, signal)
  if (wanted !== undefined) await database.write((writer) => openSession(writer, database.kind, wanted))
}

async function newSession(
  options: DeliveryOptions,
  deployment: DeploymentRow,
  signal: AbortSignal,
): Promise<NewSession | undefined> {
  try {
    return { deployment, ...(await options.traffic.answerCases(deployment, signal)) }
  } catch (error) {
    if (!isAppError(error, 'INVALID_INPUT') && !isAppError(error, 'NOT_FOUND')) throw error
    await refuse(options, deployment, `testers cannot be asked: ${error.message}`)
    return undefined
  }
}

async function refuse(
  { database, traffic }: DeliveryOptions,
  deployment: DeploymentRow,
  reason: string,
): Promise<void> {
  const set = { ended_at: Date.now(), weight: 0 }
  await database.write((writer) =>
    tryMoveDeployment(writer, database.kind, deployment, { event: 'reject', reason, set }),
  )
  await traffic.apply()
}
