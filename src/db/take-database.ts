import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { AppError } from '../core/errors.ts'

/** A server that was killed holds its database until Postgres sees that the connection is gone. */
const PATIENCE_MS = 5_000
const AGAIN_MS = 200

/**
 * Takes a Postgres database for one server, until this is disposed or the process ends, in whatever way: of two servers
 * with data folders of their own each would take up runs whose commits and files the other has. Fails with DATA_IN_USE.
 * Where the connection breaks it is taken again; `onLost` is called when another server was faster. A database of SQLite is
 * a file, and the lock of its data folder is enough.
 */
export async function takeDatabase(url: string, onLost: (error: unknown) => void): Promise<AsyncDisposable> {
  if (url.startsWith('sqlite:')) return { [Symbol.asyncDispose]: async () => undefined }
  let isDisposed = false
  let held = await take(url, hold)

  function hold(): void {
    if (!isDisposed) takeAgain().catch(onLost)
  }

  async function takeAgain(): Promise<void> {
    for (;;) {
      await sleep(AGAIN_MS, undefined, { ref: false })
      if (isDisposed) return
      try {
        held = await take(url, hold)
        // Nobody else would end it any more.
        if (isDisposed) await held.end()
        return
      } catch (error) {
        if (error instanceof AppError) throw error
        // Postgres itself is away; whoever asks it for anything is told.
      }
    }
  }

  return {
    async [Symbol.asyncDispose]() {
      isDisposed = true
      await held.end()
    },
  }
}

async function take(url: string, onBroken: () => void): Promise<Client> {
  for (const deadline = performance.now() + PATIENCE_MS; ;) {
    const client = await tryToTake(url, onBroken)
    if (client !== undefined) return client
    if (performance.now() > deadline) throw inUse(url)
    await sleep(AGAIN_MS)
  }
}

/**
 * The lock is that of a transaction that stays open: it pins the connection also where a pooler stands between. It has read and
 * written nothing, so it keeps no old rows alive.
 */
async function tryToTake(url: string, onBroken: () => void): Promise<Client | undefined> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url, keepAlive: true })
  client.on('error', () => undefined)
  await client.connect()
  await client.query('begin; set local idle_in_transaction_session_timeout = 0')
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_xact_lock(7070004) as taken')
  if (rows[0]?.taken === true) {
    client.once('end', onBroken)
    return client
  }
  await client.end()
  return undefined
}

function inUse(url: string): AppError {
  const name = new URL(url).pathname.slice(1)
  return new AppError(
    'DATA_IN_USE',
    `Another tidegate uses the database ${name}, from another data folder or machine. Stop it, or name another database (\`database\` in server.yaml, or TIDEGATE_DATABASE_URL).`,
  )
}
