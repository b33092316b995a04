import { sql } from 'kysely'
import { AppError } from '../core/errors.ts'
import { MIGRATIONS } from './migrations/migrations.ts'
import type { Database, Writer } from './open-database.ts'

/** Of the newest migration this program knows. */
export const SCHEMA_VERSION = Math.max(...MIGRATIONS.map(({ number }) => number))

/**
 * Brings the schema up to date, each migration in a transaction of its own. Refuses, by name, a schema
 * that a newer Tidegate wrote. Safe to run from several processes at once.
 */
export async function migrate(database: Database): Promise<void> {
  await database.write(async (writer) => {
    if (database.kind === 'postgres') await sql`select pg_advisory_xact_lock(7070001)`.execute(writer)
    await writer.schema
      .createTable('meta')
      .ifNotExists()
      .addColumn('key', 'text', (column) => column.primaryKey())
      .addColumn('value', 'text', (column) => column.notNull())
      .execute()
    const current = await schemaVersion(writer)
    refuseNewer(current)
    for (const migration of MIGRATIONS) {
      if (migration.number > current) await migration.up(writer, database.kind)
    }
    await writer
      .insertInto('meta')
      .values({ key: 'schema', value: String(SCHEMA_VERSION) })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: String(SCHEMA_VERSION) }))
      .execute()
  })
}

async function schemaVersion(writer: Writer): Promise<number> {
  const row = await writer.selectFrom('meta').select('value').where('key', '=', 'schema').executeTakeFirst()
  return Number(row?.value ?? 0)
}

function refuseNewer(current: number): void {
  if (current <= SCHEMA_VERSION) return
  throw new AppError(
    'NEWER_SCHEMA',
    `The database has schema ${current}; this Tidegate knows schemas up to ${SCHEMA_VERSION}. Start the newer Tidegate that wrote it, or restore a backup made by this one.`,
    { found: current, known: SCHEMA_VERSION },
  )
}
