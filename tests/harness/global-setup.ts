import { Client } from 'pg'

/** Fails once, with what to do, instead of once per test. */
export default async function setup(): Promise<void> {
  const client = new Client({
    connectionString: process.env['TIDEGATE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  })
  try {
    await client.connect()
    await client.end()
  } catch (error) {
    throw new Error(
      `The tests need a Postgres: ${(error as Error).message}. CONTRIBUTING.md says how to start one; TIDEGATE_TEST_POSTGRES names another address.`,
      { cause: error },
    )
  }
}
