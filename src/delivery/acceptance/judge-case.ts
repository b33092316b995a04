import { AppError } from '../../core/errors.ts'
import type { Database, Writer } from '../../db/open-database.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import { casesOf, insertVerdict, type SessionRow } from './acceptance.sql.ts'
import { openSessionOf, refuseOthers, tell } from './session-rules.ts'
import { unblind } from './session-sides.ts'

export interface SaidVerdict {
  readonly person: string
  readonly caseId: string
  readonly verdict: string
  readonly comment: string
}

/** A tester's verdict on a case; a later one replaces it, the earlier is kept. */
export async function judgeCase(
  writer: Writer,
  kind: Database['kind'],
  deployment: DeploymentRow,
  said: SaidVerdict,
): Promise<SessionRow> {
  const session = await openSessionOf(writer, deployment)
  refuseOthers(session, deployment, said.person)
  const known = await casesOf(writer, session.id)
  if (!known.some((row) => row.case_id === said.caseId))
    throw new AppError('NOT_FOUND', `There is no case ${said.caseId} in this session.`)
  refuseMeaningless(session, said.verdict)
  const verdict = unblind(session, said.caseId, said.person, said.verdict)
  await insertVerdict(writer, {
    session_id: session.id,
    case_id: said.caseId,
    person: said.person,
    verdict,
    comment: said.comment,
    at: Date.now(),
  })
  await tell(writer, kind, deployment, 'acceptance.verdict', {
    session: session.id,
    deployment: deployment.id,
    case: said.caseId,
    person: said.person,
  })
  return session
}

function refuseMeaningless(session: SessionRow, verdict: string): void {
  const compares = ['better-a', 'better-b', 'same'].includes(verdict)
  if (verdict === 'blocked' || compares === (session.champion !== null)) return
  const allowed =
    session.champion === null
      ? 'right, wrong or blocked (there is no champion to compare with)'
      : 'better-a, better-b, same or blocked'
  throw new AppError('INVALID_INPUT', `${verdict} does not fit here: say ${allowed}.`)
}
