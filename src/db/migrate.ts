import { sql } from 'kysely'
import { AppError } from '../core/errors.ts'
import { MIGRATIONS } from './migrations/migrations.ts'
import type { Database, Reader } from './open-database.ts'

/** Of the newest migration this program knows. */
export const SCHEMA_VERSION = Math.max(...MIGRATIONS.map(({ number }) => number))

/**
 * Brings the schema up to date, each migration in a transaction of its own. Refuses, by name, a schema
 * that a newer Tidegate wrote. Safe to run from several processes at once. A test of a migration has an older `schema`
 * to begin with.
 */
export async function migrate(database: Database, schema = SCHEMA_VERSION): Promise<void> {
  if (database.kind === 'sqlite' && (await isCurrent(database))) return
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
      if (migration.number > current && migration.number <= schema) await migration.up(writer, database.kind)
    }
    await writer
      .insertInto('meta')
      .values({ key: 'schema', value: String(schema) })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: String(schema) }))
      .execute()
  })
}

/** Then it waits neither for other writers nor for the disk, as each `tidegate run` would. */
async function isCurrent({ read }: Database): Promise<boolean> {
  const found = await sql`select 1 from sqlite_schema where name = 'meta'`.execute(read)
  return found.rows.length > 0 && (await schemaVersion(read)) === SCHEMA_VERSION
}

async function schemaVersion(reader: Reader): Promise<number> {
  const row = await reader.selectFrom('meta').select('value').where('key', '=', 'schema').executeTakeFirst()
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
