import { setImmediate } from 'node:timers/promises'
import type { SqliteDatabase } from 'kysely'
import type { Writer } from './open-database.ts'

/** One transaction. `onVisible` is called when readers see what was written, which may be before it is on the disk. */
export type Transact = <T>(
  work: (writer: Writer) => Promise<T>,
  onVisible: () => void,
) => Promise<{ readonly result: T; readonly durable: Promise<void> }>

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
 * the others do not notice. Everybody is told when the commit is on the disk, and where that fails. While the disk works the next are run: `sync` waits for what was committed before its call. `writer` is the
 * connection's own, and nobody else uses it.
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

  return (work, onVisible) =>
    new Promise((resolve, reject) => {
      queue.push(
        waiting(
          work,
          (result, durable) => {
            onVisible()
            resolve({ result, durable })
          },
          reject,
        ),
      )
      if (!isDraining) void drain()
    })
}

function waiting<T>(
  work: (writer: Writer) => Promise<T>,
  resolve: (value: T, durable: Promise<void>) => void,
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
      else if (answer !== undefined) resolve(answer.value, end.durable)
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
    execute(connection, 'rollback')
    end = { error }
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

function execute(connection: SqliteDatabase, statement: string): void {
  connection.prepare(statement).run([])
}
