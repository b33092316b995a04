import { finalStates } from '../core/transitions.ts'
import { ATTEMPT_TRANSITIONS } from '../core/run-state.ts'
import type { Reader } from '../db/open-database.ts'
import type { AttemptRow } from '../db/tables.ts'

const ENDED = finalStates(ATTEMPT_TRANSITIONS)
/** By name, so that the index on states finds them among all that ended. */
const ACTIVE = ['starting', 'running', 'cancelling'] as const satisfies readonly AttemptRow['state'][]

export async function insertAttempt(writer: Reader, attempt: AttemptRow): Promise<void> {
  await writer.insertInto('attempts').values(attempt).execute()
}

export async function getAttempt(reader: Reader, id: string): Promise<AttemptRow | undefined> {
  return reader.selectFrom('attempts').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Of a step, newest first. */
export async function listAttemptsBefore(
  reader: Reader,
  runId: string,
  step: string,
  number: number,
): Promise<AttemptRow[]> {
  return reader
    .selectFrom('attempts')
    .selectAll()
    .where('run_id', '=', runId)
    .where('step', '=', step)
    .where('number', '<', number)
    .orderBy('number', 'desc')
    .limit(50)
    .execute()
}

export async function listActiveAttempts(reader: Reader): Promise<AttemptRow[]> {
  return reader.selectFrom('attempts').selectAll().where('state', 'in', ACTIVE).orderBy('id').execute()
}

export async function listActiveAttemptsOf(reader: Reader, runId: string): Promise<AttemptRow[]> {
  return reader
    .selectFrom('attempts')
    .selectAll()
    .where('run_id', '=', runId)
    .where('state', 'not in', ENDED)
    .orderBy('id')
    .execute()
}

/** Ended attempts whose executor has not been told to forget them: those still have a handle. */
export async function listUnforgottenAttempts(
  reader: Reader,
  page: { readonly endedBefore: number; readonly after: string; readonly limit: number },
): Promise<AttemptRow[]> {
  return reader
    .selectFrom('attempts')
    .selectAll()
    .where('state', 'in', ENDED)
    .where('handle', 'is not', null)
    .where('ended_at', '<=', page.endedBefore)
    .where('id', '>', page.after)
    .orderBy('id')
    .limit(page.limit)
    .execute()
}

export async function setHandle(writer: Reader, id: string, handle: string | null): Promise<void> {
  await writer.updateTable('attempts').set({ handle }).where('id', '=', id).execute()
}
