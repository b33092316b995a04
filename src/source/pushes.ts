import type { Database, Reader, Writer } from '../db/open-database.ts'
import { appendEvents } from '../db/outbox.ts'
import { NO_COMMIT, type RefUpdate } from './hook-messages.ts'
import { selectProjectsIn } from './projects.sql.ts'
import * as sql from './pushes.sql.ts'

export interface Push {
  readonly id: string
  readonly repository: string
  /** The token's person: who pushed. Authors of commits can be forged. */
  readonly person: string
  readonly at: number
  /** Only those that moved. */
  readonly updates: readonly RefUpdate[]
}

/** A ref that a push moved and that nobody has looked at yet. */
export interface UnhandledUpdate extends RefUpdate {
  readonly pushId: string
  readonly repository: string
  readonly person: string
  readonly at: number
}

/**
 * Rows of a push and an event for each project of the repository, once, however often it is called with the same id. A deleted ref has nothing
 * to run and is handled from the start. False when the rows were there already.
 */
export async function recordPush(database: Database, push: Push): Promise<boolean> {
  return database.write(async (writer) => {
    const { id, repository, person, at } = push
    if (!(await sql.insertPush(writer, { id, repository, person, at }))) return false
    const rows = push.updates.map((update) => ({
      push_id: id,
      ref: update.ref,
      old_commit: update.oldCommit,
      new_commit: update.newCommit,
      handled_at: update.newCommit === NO_COMMIT ? at : null,
    }))
    await sql.insertPushUpdates(writer, rows)
    const projects = await selectProjectsIn(writer, repository)
    // Somebody may push ten thousand tags; an event is for people.
    const data = { push: id, person, refs: push.updates.length, updates: push.updates.slice(0, 100) }
    const events = projects.map(({ name }) => ({ kind: 'push.received' as const, project: name, subject: name, data }))
    await appendEvents(writer, database.kind, events)
    return true
  })
}

/** Oldest first, at most 200: handle them and ask again. */
export async function unhandledUpdates(reader: Reader): Promise<UnhandledUpdate[]> {
  const rows = await sql.selectUnhandled(reader)
  return rows.map((row) => ({
    pushId: row.push_id,
    repository: row.repository,
    person: row.person,
    at: row.at,
    ref: row.ref,
    oldCommit: row.old_commit,
    newCommit: row.new_commit,
  }))
}

/**
 * Call it in the transaction that makes the run. False when another process has handled the update: then
 * make nothing.
 */
export function markHandled(writer: Writer, pushId: string, ref: string): Promise<boolean> {
  return sql.updateHandled(writer, pushId, ref, Date.now())
}

/** What a push moved, and when each was turned into a run or set aside; empty until the push is recorded. */
export async function updatesOfPush(
  reader: Reader,
  pushId: string,
): Promise<(RefUpdate & { readonly handledAt: number | null })[]> {
  const rows = await sql.selectUpdates(reader, pushId)
  return rows.map((row) => ({
    ref: row.ref,
    oldCommit: row.old_commit,
    newCommit: row.new_commit,
    handledAt: row.handled_at,
  }))
}
