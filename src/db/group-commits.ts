import { setImmediate } from 'node:timers/promises'
import { sql, type Kysely } from 'kysely'
import type { Writer } from './open-database.ts'
import type { Tables } from './tables.ts'

/** `onVisible` is called when readers see what was written, which may be before it is on the disk. */
export type Transact = <T>(work: (writer: Writer) => Promise<T>, onVisible: () => void) => Promise<T>

/** What waits longer than this many others goes into the next commit. */
const MOST_IN_GROUP = 50

interface Waiting {
  run(writer: Writer): Promise<void>
  onVisible(): void
  settle(committed: { readonly error?: unknown }): void
}

/**
 * Transactions that wait for the one writer are run one after another inside one transaction, and one sync to
 * the disk is waited for by all of them. Each has a savepoint of its own: one that throws leaves nothing, and
 * the others do not notice. Nobody is answered before the commit is on the disk, and where that fails everybody is
 * told. While the disk works the next are run: `sync` waits for what was committed before its call.
 */
export function groupCommits(writer: Kysely<Tables>, sync: () => Promise<void>): Transact {
  const queue: Waiting[] = []
  let isDraining = false

  async function drain(): Promise<void> {
    isDraining = true
    while (queue.length > 0) {
      // Those whose turn it is to ask now come along.
      await setImmediate()
      await commit(writer, queue.splice(0, MOST_IN_GROUP), sync)
    }
    isDraining = false
  }

  return (work, onVisible) =>
    new Promise((resolve, reject) => {
      queue.push({ ...waiting(work, resolve, reject), onVisible })
      if (!isDraining) void drain()
    })
}

function waiting<T>(
  work: (writer: Writer) => Promise<T>,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): Omit<Waiting, 'onVisible'> {
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
    settle({ error }) {
      if (answer !== undefined && 'error' in answer) reject(answer.error)
      else if (answer === undefined || error !== undefined) reject(error)
      else resolve(answer.value)
    },
  }
}

/** Returns when the next may begin. */
async function commit(writer: Kysely<Tables>, group: readonly Waiting[], sync: () => Promise<void>): Promise<void> {
  const settle = (committed: { readonly error?: unknown }) => {
    for (const each of group) each.settle(committed)
  }
  try {
    await writer.transaction().execute((transaction) => runGroup(transaction, group))
  } catch (error) {
    return settle({ error })
  }
  sync().then(
    () => settle({}),
    (error: unknown) => settle({ error }),
  )
  for (const each of group) each.onVisible()
}

async function runGroup(writer: Writer, group: readonly Waiting[]): Promise<void> {
  const [only, ...others] = group
  if (others.length === 0) return only?.run(writer)
  for (const each of group) await runInside(writer, each)
}

async function runInside(writer: Writer, each: Waiting): Promise<void> {
  await sql`savepoint one`.execute(writer)
  try {
    await each.run(writer)
  } catch (failure) {
    // It is told by `settle`. Where the rollback fails too, SQLite has ended the transaction: all are told why.
    await sql`rollback to one`.execute(writer).catch((error: unknown) => {
      throw new Error(`the transaction has ended: ${String(error)}`, { cause: failure })
    })
  }
  await sql`release one`.execute(writer)
}
