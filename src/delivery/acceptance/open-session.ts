import type { Database, Writer } from '../../db/open-database.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import { canonicalJson } from '../../lib/canonical-json.ts'
import { sha256 } from '../../lib/sha256.ts'
import { uuidv7 } from '../../lib/uuidv7.ts'
import { rulesOf } from '../rules-of.ts'
import { insertSession, type CaseRow, type SessionRow } from './acceptance.sql.ts'
import { tell } from './session-rules.ts'

/** A case with what both sides answered through the real gateway. */
export interface AnsweredCase {
  readonly id: string
  readonly spec: unknown
  readonly candidate: unknown
  readonly champion: unknown
}

export interface NewSession {
  readonly deployment: DeploymentRow
  readonly championBundle: string | null
  /** People, groups resolved. */
  readonly testers: readonly string[]
  readonly cases: readonly AnsweredCase[]
}

/** Asks the testers. An older session of the same deployment must be void. */
export async function openSession(writer: Writer, kind: Database['kind'], wanted: NewSession): Promise<SessionRow> {
  const { deployment } = wanted
  const rules = rulesOf(deployment).acceptance
  const session: SessionRow = {
    id: uuidv7(),
    deployment_id: deployment.id,
    project: deployment.project,
    version: deployment.version,
    bundle: deployment.bundle,
    champion: wanted.championBundle,
    cases_digest: sha256(canonicalJson(wanted.cases)),
    testers: JSON.stringify(wanted.testers),
    required: rules?.required ?? 1,
    blind: rules?.blind === true ? 1 : 0,
    state: 'open',
    created_at: Date.now(),
    ended_at: null,
  }
  const cases = wanted.cases.map((answered, position) => asRow(session.id, answered, position))
  await insertSession(writer, session, cases)
  const data = {
    session: session.id,
    deployment: deployment.id,
    version: deployment.version,
    environment: deployment.environment,
    cases: cases.length,
    testers: wanted.testers,
    required: session.required,
  }
  await tell(writer, kind, deployment, 'acceptance.opened', data)
  return session
}

function asRow(sessionId: string, { id, spec, candidate, champion }: AnsweredCase, position: number): CaseRow {
  return {
    session_id: sessionId,
    position,
    case_id: id,
    spec: JSON.stringify(spec),
    candidate: JSON.stringify(candidate),
    champion: champion === null ? null : JSON.stringify(champion),
  }
}
