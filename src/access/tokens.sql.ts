import { limit } from '../core/limits.ts'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'

export type TokenRow = Tables['tokens']

export async function insertToken(writer: Writer, row: TokenRow): Promise<void> {
  await writer.insertInto('tokens').values(row).execute()
}

/** Valid now, of a person who is not disabled. */
export function selectValidToken(
  reader: Reader,
  hash: string,
  now: number,
): Promise<Pick<TokenRow, 'id' | 'person' | 'run_id'> | undefined> {
  return reader
    .selectFrom('tokens')
    .innerJoin('people', 'people.name', 'tokens.person')
    .select(['tokens.id', 'tokens.person', 'tokens.run_id'])
    .where('tokens.hash', '=', hash)
    .where('tokens.revoked_at', 'is', null)
    .where((where) => where.or([where('tokens.expires_at', 'is', null), where('tokens.expires_at', '>', now)]))
    .where('people.disabled_at', 'is', null)
    .executeTakeFirst()
}

export function selectTokens(reader: Reader, person: string): Promise<TokenRow[]> {
  return reader
    .selectFrom('tokens')
    .selectAll()
    .where('person', '=', person)
    .where('run_id', 'is', null)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(limit('pageRows'))
    .execute()
}

/** Answers whose it was, or undefined when there is no valid one of that id. */
export async function revokeToken(writer: Writer, id: string, at: number): Promise<string | undefined> {
  const row = await writer
    .updateTable('tokens')
    .set({ revoked_at: at })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returning('person')
    .executeTakeFirst()
  return row?.person
}

export async function revokeRunTokens(writer: Writer, runId: string, at: number): Promise<void> {
  await writer
    .updateTable('tokens')
    .set({ revoked_at: at })
    .where('run_id', '=', runId)
    .where('revoked_at', 'is', null)
    .execute()
}
