import { setImmediate } from 'node:timers/promises'
import type { SqliteDatabase } from 'kysely'
import type { Writer, WrittenAhead } from './open-database.ts'

/** One transaction. */
export type Transact = <T>(work: (writer: Writer) => Promise<T>) => Promise<WrittenAhead<T>>

/** What waits longer than this many others goes into the next commit. */
const MOST_IN_GROUP = 50

interface Waiting {
  run(writer: Writer): Promise<void>
  /** Readers see it, and the disk will have it when `durable` is fulfilled; or nothing was written, for this reason. */
  settle(end: Committed): void
}

type Committed = { readonly durable: Promise<void> } | { readonly error: unknown }

/**
 * Transactions that wait for the one writer are run one after another inside one transaction, and one sync to
 * the disk is waited for by all of them. Each has a savepoint of its own: one that throws leaves nothing, and
 * the others do not notice. Where the commit or the sync fails everybody is told. While the disk works the next are
 * run: `sync` waits for what was committed before its call. `writer` is the connection's own, and nobody else uses it.
 */
export function groupCommits(writer: Writer, connection: SqliteDatabase, sync: () => Promise<void>): Transact {
  const queue: Waiting[] = []
  let isDraining = false

  async function drain(): Promise<void> {
    isDraining = true
    while (queue.length > 0) {
      // Those whose turn it is to ask now come along.
      await setImmediate()
      await commit({ writer, connection, sync }, queue.splice(0, MOST_IN_GROUP))
    }
    isDraining = false
  }

  return (work) =>
    new Promise((resolve, reject) => {
      queue.push(waiting(work, resolve, reject))
      if (!isDraining) void drain()
    })
}

function waiting<T>(
  work: (writer: Writer) => Promise<T>,
  resolve: (written: WrittenAhead<T>) => void,
  reject: (error: unknown) => void,
): Waiting {
  let answer: { readonly value: T } | { readonly error: unknown } | undefined
  return {
    async run(writer) {
      answer = undefined
      try {
        answer = { value: await work(writer) }
      } catch (error) {
        answer = { error }
        throw error
      }
    },
    settle(end) {
      if (answer !== undefined && 'error' in answer) reject(answer.error)
      else if ('error' in end) reject(end.error)
      else if (answer !== undefined) resolve({ result: answer.value, durable: end.durable })
    },
  }
}

interface Committing {
  readonly writer: Writer
  readonly connection: SqliteDatabase
  readonly sync: () => Promise<void>
}

/** Returns when the next may begin. */
async function commit({ writer, connection, sync }: Committing, group: readonly Waiting[]): Promise<void> {
  let end: Committed
  try {
    execute(connection, 'begin')
    await runGroup(writer, connection, group)
    execute(connection, 'commit')
    end = { durable: sync() }
    end.durable.catch(() => undefined)
  } catch (error) {
    end = { error }
    rollBack(connection)
  }
  for (const each of group) each.settle(end)
}

async function runGroup(writer: Writer, connection: SqliteDatabase, group: readonly Waiting[]): Promise<void> {
  const [only, ...others] = group
  if (others.length === 0) return only?.run(writer)
  for (const each of group) await runInside(writer, connection, each)
}

async function runInside(writer: Writer, connection: SqliteDatabase, each: Waiting): Promise<void> {
  execute(connection, 'savepoint one')
  try {
    await each.run(writer)
  } catch {
    undo(connection)
  }
  execute(connection, 'release one')
}

/** Whose work failed is told by `settle`. Where the rollback fails too, SQLite has ended the transaction: all are told why. */
function undo(connection: SqliteDatabase): void {
  try {
    execute(connection, 'rollback to one')
  } catch (error) {
    throw new Error(`the transaction has ended: ${String(error)}`, { cause: error })
  }
}

/** Whoever waits is told why it came to this. Where it fails too, the next `begin` does, and says so. */
function rollBack(connection: SqliteDatabase): void {
  try {
    execute(connection, 'rollback')
  } catch {
    // Nobody could do anything about it, and the queue must go on.
  }
}

function execute(connection: SqliteDatabase, statement: string): void {
  connection.prepare(statement).run([])
}
