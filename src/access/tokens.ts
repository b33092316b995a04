import { randomBytes, randomUUID } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import type { Identity } from '../core/identity.ts'
import type { Database, Reader, Writer } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import { sha256 } from '../lib/sha256.ts'
import { accessChanged } from './access-event.ts'
import { selectEnabledAmong } from './people.sql.ts'
import * as sql from './tokens.sql.ts'

export interface NewToken {
  readonly person: string
  /** What it is for, in the person's words. */
  readonly label: string
  readonly expiresAt?: number
}

export interface TokenInfo {
  readonly id: string
  readonly person: string
  readonly label: string
  readonly createdAt: number
  readonly expiresAt: number | undefined
  readonly revokedAt: number | undefined
}

/** The token itself is answered once and never stored: the database has its digest. */
export async function createToken(
  database: Database,
  token: NewToken,
  by: string,
): Promise<{ id: string; token: string }> {
  return database.write(async (writer) => {
    if ((await selectEnabledAmong(writer, [token.person])).length === 0) {
      throw new AppError('NOT_FOUND', `There is no enabled person "${token.person}" to make a token for.`)
    }
    const created = await insertNewToken(writer, newSecret(), { ...token, runId: null })
    const event = accessChanged(`person/${token.person}`, by, { change: 'token created', label: token.label })
    await appendEvents(writer, database.kind, [event])
    return created
  })
}

/**
 * A token for the steps of one run, in the name of the person the run belongs to. No event: it is part of
 * the run, which has its own. `revokeRunTokens` ends it with the run.
 */
export async function createRunToken(writer: Writer, run: { id: string; person: string }): Promise<string> {
  const created = await insertNewToken(writer, newSecret(), {
    person: run.person,
    label: 'run',
    runId: run.id,
  })
  return created.token
}

export async function revokeRunTokens(writer: Writer, runId: string): Promise<void> {
  await sql.revokeRunTokens(writer, runId, Date.now())
}

/** Refused from the next request on. */
export async function revokeToken(database: Database, id: string, by: string): Promise<void> {
  await database.write(async (writer) => {
    const person = await sql.revokeToken(writer, id, Date.now())
    if (person === undefined) throw new AppError('NOT_FOUND', `There is no valid token "${id}".`)
    await appendEvents(writer, database.kind, [
      accessChanged(`person/${person}`, by, { change: 'token revoked', token: id }),
    ])
  })
}

/** A person's own tokens, newest first, also revoked ones; not those of runs. */
export async function listTokens(reader: Reader, person: string): Promise<TokenInfo[]> {
  const rows = await sql.selectTokens(reader, person)
  return rows.map((row) => ({
    id: row.id,
    person: row.person,
    label: row.label,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  }))
}

const SHAPE = /^tg_[A-Za-z0-9_-]{43}$/

/**
 * Who this token belongs to, or undefined when it is wrong, revoked, expired or of a disabled person. The
 * database is asked for the token's digest, so how long that takes tells nothing about the token.
 */
export async function authenticate(database: Database, token: string): Promise<Identity | undefined> {
  if (!SHAPE.test(token)) return undefined
  const row = await sql.selectValidToken(database.read, sha256(token), Date.now())
  if (row === undefined) return undefined
  return { person: row.person, tokenId: row.id, ...(row.run_id !== null && { runId: row.run_id }) }
}

/** 256 random bits: nothing to guess, so a plain digest is enough to store. */
export function newSecret(): string {
  return `tg_${randomBytes(32).toString('base64url')}`
}

export async function insertNewToken(
  writer: Writer,
  token: string,
  about: { person: string; label: string; runId: string | null; expiresAt?: number },
): Promise<{ id: string; token: string }> {
  const id = randomUUID()
  await sql.insertToken(writer, {
    id,
    person: about.person,
    hash: sha256(token),
    label: about.label,
    run_id: about.runId,
    created_at: Date.now(),
    expires_at: about.expiresAt ?? null,
    revoked_at: null,
  })
  return { id, token }
}
