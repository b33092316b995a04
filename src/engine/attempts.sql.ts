import { finalStates } from '../core/transitions.ts'
import { ATTEMPT_TRANSITIONS } from '../core/run-state.ts'
import type { Reader } from '../db/open-database.ts'
import { prepared, preparedFor } from '../db/prepared.ts'
import type { AttemptRow } from '../db/tables.ts'

const ENDED = finalStates(ATTEMPT_TRANSITIONS)
/** By name, so that the index on states finds them among all that ended. */
const ACTIVE = ['starting', 'running', 'cancelling'] as const satisfies readonly AttemptRow['state'][]

export async function insertAttempt(writer: Reader, attempt: AttemptRow): Promise<void> {
  const columns = Object.keys(attempt).join()
  await insert(writer, columns, Object.values(attempt))
}

const insert = preparedFor<string, unknown>((writer, columns, values) => {
  const row = Object.fromEntries(columns.split(',').map((column, at) => [column, values[at]]))
  return writer.insertInto('attempts').values(row as unknown as AttemptRow)
})

export async function getAttempt(reader: Reader, id: string): Promise<AttemptRow | undefined> {
  return (await selectAttempt(reader, id))[0]
}

const selectAttempt = prepared((reader, id: string) => reader.selectFrom('attempts').selectAll().where('id', '=', id))

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
  return selectActive(reader)
}

const selectActive = prepared((reader) =>
  reader.selectFrom('attempts').selectAll().where('state', 'in', ACTIVE).orderBy('id'),
)

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

export async function setHandle(writer: Reader, id: string, handle: string): Promise<void> {
  await writer.updateTable('attempts').set({ handle }).where('id', '=', id).execute()
}

/** They have been cleared away. */
export async function removeHandles(writer: Reader, ids: readonly string[]): Promise<void> {
  await writer
    .updateTable('attempts')
    .set({ handle: null })
    .where('id', 'in', [...ids])
    .execute()
}
