import { AppError } from '../../core/errors.ts'
import { ACCEPTANCE_TRANSITIONS } from '../../core/deployment-state.ts'
import { appendEvents } from '../../db/outbox.ts'
import type { Database, Writer } from '../../db/open-database.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import { tryTransition } from '../../db/transition.ts'
import { mustLeaveToOthers } from '../rules-of.ts'
import { sessionOf, type SessionRow } from './acceptance.sql.ts'

/** Fails with STATE_CONFLICT for a session that has ended. */
export async function endSession(
  writer: Writer,
  session: SessionRow,
  event: 'accept' | 'reject' | 'void',
): Promise<SessionRow> {
  const ended = await tryTransition(writer, {
    table: 'acceptance_sessions',
    transitions: ACCEPTANCE_TRANSITIONS,
    event,
    where: { id: session.id },
    set: { ended_at: Date.now() },
  })
  if (ended === undefined) throw new AppError('STATE_CONFLICT', 'This session has ended.')
  return ended
}

/** Ends a deployment's open session, if it has one: what testers were asked about is no longer so. */
export async function voidSession(
  writer: Writer,
  kind: Database['kind'],
  deployment: DeploymentRow,
  reason: string,
): Promise<void> {
  const session = await sessionOf(writer, deployment.id)
  if (session?.state !== 'open') return
  const ended = await endSession(writer, session, 'void')
  await tell(writer, kind, deployment, 'acceptance.ended', {
    session: session.id,
    deployment: deployment.id,
    version: deployment.version,
    state: ended.state,
    reason,
  })
}

/** The session testers work on; fails with STATE_CONFLICT when none is open. */
export async function openSessionOf(writer: Writer, deployment: DeploymentRow): Promise<SessionRow> {
  const session = await sessionOf(writer, deployment.id)
  if (session?.state === 'open') return session
  throw new AppError(
    'STATE_CONFLICT',
    `No acceptance is open for version ${deployment.version} in ${deployment.environment}${session === undefined ? '' : ` (it is ${session.state})`}.`,
  )
}

/** Only a tester whom the rules name, and nobody who had a hand in the change. */
export function refuseOthers(session: SessionRow, deployment: DeploymentRow, person: string): void {
  const testers = JSON.parse(session.testers) as string[]
  if (!testers.includes(person))
    throw new AppError(
      'FORBIDDEN',
      `${person} is not a tester of ${deployment.environment}; testers are ${testers.join(', ')}.`,
    )
  if (!mustLeaveToOthers(deployment, person)) return
  throw new AppError(
    'SELF_APPROVAL',
    `${person} committed, pushed or started this change, so somebody else must accept it.`,
  )
}

/** One event of a session, with the run it belongs to. */
export async function tell(
  writer: Writer,
  kind: Database['kind'],
  deployment: DeploymentRow,
  event: 'acceptance.opened' | 'acceptance.verdict' | 'acceptance.signed' | 'acceptance.ended',
  data: Record<string, unknown>,
): Promise<void> {
  await appendEvents(writer, kind, [
    {
      kind: event,
      project: deployment.project,
      subject: `${deployment.project}/${deployment.environment}`,
      data: { ...data, run: deployment.run_id },
    },
  ])
}
