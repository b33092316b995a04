import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { SCHEMA_VERSION } from '../../../db/migrate.ts'
import type { ServerConfig } from '../server-config.ts'
import { missing, ok, type Check } from './check.ts'

/** Looks, and migrates nothing. */
export async function checkDatabase({ databaseUrl }: ServerConfig): Promise<Check[]> {
  const isSqlite = databaseUrl.startsWith('sqlite:')
  try {
    const found = isSqlite ? lookAtSqlite(databaseUrl.slice('sqlite:'.length)) : await lookAtPostgres(databaseUrl)
    return [judge(found)]
  } catch (error) {
    const where = isSqlite
      ? databaseUrl
      : `Postgres at ${URL.canParse(databaseUrl) ? new URL(databaseUrl).host : 'the given address'}`
    const todo = isSqlite
      ? 'Restore it from a backup, or name another data folder.'
      : 'Start it, or correct `database:` or TIDEGATE_DATABASE_URL.'
    return [missing('database', `${where} cannot be used: ${(error as Error).message}`, todo)]
  }
}

interface Found {
  readonly what: string
  /** 0: nothing was ever written there. */
  readonly schema: number
}

function judge({ what, schema }: Found): Check {
  if (schema <= SCHEMA_VERSION) return ok('database', `${what}, schema ${schema === 0 ? 'not made yet' : schema}`)
  const found = `${what} has schema ${schema}; this Tidegate knows schemas up to ${SCHEMA_VERSION}`
  return missing('database', found, 'Start the newer Tidegate that wrote it, or restore a backup made by this one.')
}

function lookAtSqlite(file: string): Found {
  if (!existsSync(file)) return { what: `SQLite ${file}`, schema: 0 }
  const connection = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  try {
    const table = connection.prepare("select 1 from sqlite_master where type = 'table' and name = 'meta'").get()
    if (table === undefined) return { what: `SQLite ${file}`, schema: 0 }
    const row = connection.prepare("select value from meta where key = 'schema'").get()
    return { what: `SQLite ${file}`, schema: Number(row?.['value'] ?? 0) }
  } finally {
    connection.close()
  }
}

async function lookAtPostgres(url: string): Promise<Found> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    const version = await client.query<{ server_version: string }>('show server_version')
    const what = `Postgres ${version.rows[0]?.server_version ?? ''}`
    const table = await client.query<{ there: boolean }>("select to_regclass('meta') is not null as there")
    if (table.rows[0]?.there !== true) return { what, schema: 0 }
    const row = await client.query<{ value: string }>("select value from meta where key = 'schema'")
    return { what, schema: Number(row.rows[0]?.value ?? 0) }
  } finally {
    await client.end()
  }
}
