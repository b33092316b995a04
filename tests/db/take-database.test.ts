import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { startServer } from '../../src/app.ts'
import { takeDatabase } from '../../src/db/take-database.ts'
import { createTestDatabase } from '../harness/databases.ts'
import { ON_LOOPBACK, openTestServer } from '../harness/server.ts'

/** As when Postgres is restarted. */
const BREAK = `select pg_terminate_backend(pid) from pg_locks where objid = 7070004 and locktype = 'advisory'
  and database = (select oid from pg_database where datname = current_database())`

const unlost = (error: unknown) => expect.unreachable(String(error))

test('a second server on the same Postgres, with a data folder of its own, is refused with what to do', async () => {
  await using place = await openTestServer('postgres')

  const second = startServer({
    dataFolder: join(place.folder, 'other'),
    databaseUrl: place.databaseUrl,
    ...ON_LOOPBACK,
  })

  await expect(second).rejects.toMatchObject({
    code: 'DATA_IN_USE',
    message: expect.stringMatching(/^Another tidegate uses the database tidegate_test_\w+, .* name another database/),
  })
})

test('who waits a moment gets the database of a server that has just ended', async () => {
  await using place = await createTestDatabase('postgres')
  const first = await takeDatabase(place.url, unlost)

  const waiting = takeDatabase(place.url, unlost)
  await sleep(500)
  await first[Symbol.asyncDispose]()

  await (await waiting)[Symbol.asyncDispose]()
})

test('a server whose connection was broken takes its database again, unless another was faster', async () => {
  await using place = await createTestDatabase('postgres')
  const other = new Client({ connectionString: place.url })
  await other.connect()
  const lost: unknown[] = []
  const first = await takeDatabase(place.url, (error) => lost.push(error))

  await other.query(BREAK)
  await sleep(1_000)
  const second = takeDatabase(place.url, unlost)
  await expect(second).rejects.toMatchObject({ code: 'DATA_IN_USE' })
  const lostBefore = [...lost]
  await other.query(`${BREAK}; select pg_advisory_lock(7070004)`)
  await expect.poll(() => lost, { timeout: 15_000 }).toMatchObject([{ code: 'DATA_IN_USE' }])

  expect(lostBefore).toEqual([])
  await first[Symbol.asyncDispose]()
  await other.end()
})

test('a server that ends while it takes its database again leaves nothing behind', async () => {
  await using place = await createTestDatabase('postgres')
  const other = new Client({ connectionString: place.url })
  await other.connect()
  const first = await takeDatabase(place.url, unlost)
  await other.query(`${BREAK}; select pg_advisory_lock(7070004)`)
  await sleep(500)

  await first[Symbol.asyncDispose]()
  await other.query('select pg_advisory_unlock(7070004)')
  await sleep(1_000)

  const { rows } = await other.query<{ free: boolean }>('select pg_try_advisory_lock(7070004) as free')
  expect(rows).toEqual([{ free: true }])
  await other.end()
})
