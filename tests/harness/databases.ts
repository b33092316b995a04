import { Client } from 'pg'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase, type Database } from '../../src/db/open-database.ts'

/** Every test that touches the database runs on both: `describe.each(DATABASES)('on %s', …)`. */
export const DATABASES = ['sqlite', 'postgres'] as const
export type DatabaseKind = (typeof DATABASES)[number]

/** Where tests may create databases of their own; see CONTRIBUTING.md for how to get one. */
const POSTGRES = process.env['TIDEGATE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres'

export interface TestDatabase extends AsyncDisposable {
  readonly url: string
  readonly database: Database
}

/** An empty, migrated database of its own, gone when disposed. */
export async function openTestDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  const place = await createTestDatabase(kind)
  const database = await openDatabase(place.url)
  return {
    url: place.url,
    database,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]()
      await place[Symbol.asyncDispose]()
    },
  }
}

/** A place for a database, by its URL, for tests that start a server on it. */
export async function createTestDatabase(kind: DatabaseKind): Promise<{ url: string } & AsyncDisposable> {
  if (kind === 'sqlite') {
    const folder = await mkdtemp(join(tmpdir(), 'tidegate-db-'))
    return {
      url: `sqlite:${join(folder, 'state.db')}`,
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
    }
  }
  const name = `tidegate_test_${randomUUID().replaceAll('-', '')}`
  await administer(`create database ${name}`)
  const url = new URL(POSTGRES)
  url.pathname = `/${name}`
  return { url: url.href, [Symbol.asyncDispose]: () => administer(`drop database if exists ${name} with (force)`) }
}

async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: POSTGRES })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
