import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../db/open-database.ts'
import type { RefUpdate } from './hook-messages.ts'
import { readJournal, removeJournalEntry, type JournalEntry } from './push-journal.ts'
import { recordPush } from './pushes.ts'
import { hasMoved } from './ref-moved.ts'
import { hasRepository, repositoryFolder } from './repositories.ts'

/** A `receive-pack` that a dead server left behind ends in milliseconds: nobody reads what it writes. */
const ORPHAN_WAIT_MS = 3_000

/**
 * Gives every push that moved refs its rows, exactly once: after a crash at the start, and again from time
 * to time for those whose recording failed because the database was away. Pushes that are still being
 * received are left alone. Answers how many were recorded.
 */
export async function reconcilePushes(database: Database, dataFolder: string): Promise<number> {
  let recorded = 0
  const deadline = Date.now() + ORPHAN_WAIT_MS
  for (const entry of await readJournal(dataFolder)) {
    while ((await isReceiving(entry.pid)) && Date.now() < deadline) await sleep(20)
    // Not settled while refs may still move: the entry stays for the next time.
    if (await isReceiving(entry.pid)) continue
    if (await settlePush(database, dataFolder, entry)) recorded += 1
  }
  return recorded
}

/** For an entry whose `receive-pack` is dead: rows for what moved, then the entry goes. */
export async function settlePush(database: Database, dataFolder: string, entry: JournalEntry): Promise<boolean> {
  const updates = await movedUpdates(dataFolder, entry)
  const { id, repository, person, at } = entry
  const recorded = updates.length > 0 && (await recordPush(database, { id, repository, person, at, updates }))
  await removeJournalEntry(dataFolder, entry.id)
  return recorded
}

async function movedUpdates(dataFolder: string, entry: JournalEntry): Promise<RefUpdate[]> {
  if (!(await hasRepository(dataFolder, entry))) return []
  const repository = repositoryFolder(dataFolder, entry)
  const moved: RefUpdate[] = []
  for (const update of entry.updates) if (await hasMoved(repository, entry.id, update)) moved.push(update)
  return moved
}

/** Whether the process is there and still is git: its number may have been given to another since. */
async function isReceiving(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  if (process.platform !== 'linux') return true
  // A zombie has an empty command line, and moves nothing any more.
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return command.includes('receive-pack')
}
