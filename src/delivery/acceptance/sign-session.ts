import { AppError } from '../../core/errors.ts'
import { lockEvents } from '../../db/outbox.ts'
import type { Database, Writer } from '../../db/open-database.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import { canonicalJson } from '../../lib/canonical-json.ts'
import { sha256 } from '../../lib/sha256.ts'
import { moveDeployment } from '../move-deployment.ts'
import { casesOf, insertSignature, signaturesOf, verdictsOf, type SessionRow } from './acceptance.sql.ts'
import { endSession, openSessionOf, refuseOthers, tell } from './session-rules.ts'

/**
 * What a signature binds: the version's digest, the champion's, and the cases with their answers. When one
 * changes the session is void and another opens.
 */
export function signedDigest(session: Pick<SessionRow, 'bundle' | 'champion' | 'cases_digest'>): string {
  return sha256(canonicalJson({ bundle: session.bundle, champion: session.champion, cases: session.cases_digest }))
}

export interface Signature {
  readonly person: string
  readonly decision: 'accept' | 'reject'
  readonly digest: string
  readonly comment: string
  /** The champion's bundle as it is now: a session opened against another one cannot be signed. */
  readonly champion: string | null
}

/** A tester signs. One rejection ends the delivery; as many acceptances as required let it go on. */
export async function signSession(
  writer: Writer,
  kind: Database['kind'],
  deployment: DeploymentRow,
  signature: Signature,
): Promise<SessionRow> {
  await lockEvents(writer, kind)
  const session = await openSessionOf(writer, deployment)
  refuseOthers(session, deployment, signature.person)
  if (signature.digest !== signedDigest(session) || signature.champion !== session.champion) {
    throw new AppError(
      'STALE_DIGEST',
      'Version, champion or cases have changed since you looked. Look at the session again, then sign.',
    )
  }
  await refuseUnjudged(writer, session, signature)
  await insertSignature(writer, {
    session_id: session.id,
    person: signature.person,
    decision: signature.decision,
    comment: signature.comment,
    digest: signature.digest,
    at: Date.now(),
  })
  const data = {
    session: session.id,
    deployment: deployment.id,
    version: deployment.version,
    environment: deployment.environment,
    person: signature.person,
    decision: signature.decision,
    comment: signature.comment,
  }
  await tell(writer, kind, deployment, 'acceptance.signed', data)
  return settleSession(writer, kind, deployment, session, signature)
}

async function refuseUnjudged(writer: Writer, session: SessionRow, { person, decision }: Signature): Promise<void> {
  if (decision === 'reject') return
  const judged = new Set(
    (await verdictsOf(writer, session.id))
      .filter((verdict) => verdict.person === person)
      .map((verdict) => verdict.case_id),
  )
  const missing = (await casesOf(writer, session.id))
    .filter((row) => !judged.has(row.case_id))
    .map((row) => row.case_id)
  if (missing.length === 0) return
  throw new AppError(
    'STATE_CONFLICT',
    `${person} has not judged ${missing.length} of the cases yet (${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}). Judge them, then sign.`,
    { missing },
  )
}

async function settleSession(
  writer: Writer,
  kind: Database['kind'],
  deployment: DeploymentRow,
  session: SessionRow,
  { person, decision, comment }: Signature,
): Promise<SessionRow> {
  const signatures = await signaturesOf(writer, session.id)
  const accepted = signatures
    .filter((signature) => signature.decision === 'accept')
    .map((signature) => signature.person)
  if (decision === 'accept' && accepted.length < session.required) return session
  const event = decision === 'accept' ? 'accept' : 'reject'
  const reason =
    decision === 'accept'
      ? `accepted by ${accepted.join(', ')}`
      : `${person} did not accept it${comment === '' ? '' : `: ${comment}`}`
  const ended = await endSession(writer, session, event)
  await tell(writer, kind, deployment, 'acceptance.ended', {
    session: session.id,
    deployment: deployment.id,
    version: deployment.version,
    state: ended.state,
    reason,
  })
  const set = decision === 'accept' ? { live_at: Date.now(), weight: 1 } : { ended_at: Date.now(), weight: 0 }
  await moveDeployment(writer, kind, deployment, { event, reason, by: person, set })
  return ended
}
