import type { Insertable } from 'kysely'
import type { Reader, Writer } from '../../db/open-database.ts'
import type { Tables } from '../../db/tables.ts'

export type SessionRow = Tables['acceptance_sessions']
export type CaseRow = Tables['acceptance_cases']

export async function insertSession(writer: Writer, session: SessionRow, cases: readonly CaseRow[]): Promise<void> {
  await writer.insertInto('acceptance_sessions').values(session).execute()
  if (cases.length > 0)
    await writer
      .insertInto('acceptance_cases')
      .values([...cases])
      .execute()
}

/** The newest session of a deployment: an older one is void. */
export async function sessionOf(reader: Reader, deploymentId: string): Promise<SessionRow | undefined> {
  return reader
    .selectFrom('acceptance_sessions')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

export async function casesOf(reader: Reader, sessionId: string): Promise<CaseRow[]> {
  return reader
    .selectFrom('acceptance_cases')
    .selectAll()
    .where('session_id', '=', sessionId)
    .orderBy('position')
    .limit(10_000)
    .execute()
}

export async function insertVerdict(writer: Writer, verdict: Insertable<Tables['verdicts']>): Promise<void> {
  await writer.insertInto('verdicts').values(verdict).execute()
}

/** Each person's last word on each case. */
export async function verdictsOf(
  reader: Reader,
  sessionId: string,
): Promise<{ case_id: string; person: string; verdict: string; comment: string }[]> {
  const rows = await reader
    .selectFrom('verdicts')
    .selectAll()
    .where('session_id', '=', sessionId)
    .orderBy('id')
    .limit(100_000)
    .execute()
  const last = new Map(rows.map((row) => [`${row.person}\n${row.case_id}`, row]))
  return [...last.values()]
}

export async function signaturesOf(reader: Reader, sessionId: string): Promise<Tables['signatures'][]> {
  return reader
    .selectFrom('signatures')
    .selectAll()
    .where('session_id', '=', sessionId)
    .orderBy('at')
    .orderBy('person')
    .limit(200)
    .execute()
}

export async function insertSignature(writer: Writer, signature: Tables['signatures']): Promise<void> {
  const { decision, comment, digest, at } = signature
  await writer
    .insertInto('signatures')
    .values(signature)
    .onConflict((conflict) => conflict.columns(['session_id', 'person']).doUpdateSet({ decision, comment, digest, at }))
    .execute()
}

export async function sessionsOf(reader: Reader, deploymentIds: readonly string[]): Promise<SessionRow[]> {
  if (deploymentIds.length === 0) return []
  return reader
    .selectFrom('acceptance_sessions')
    .selectAll()
    .where('deployment_id', 'in', deploymentIds)
    .orderBy('id')
    .limit(200)
    .execute()
}
