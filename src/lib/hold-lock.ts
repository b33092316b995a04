import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Holds `file` against every other process (and every other caller in this one) until disposed. It is an
 * exclusive SQLite transaction: the system lets go of it when the holder dies, so there is no stale lock to
 * recognise. `waiting` is told once when somebody else has it.
 */
export async function holdLock(file: string, signal: AbortSignal, waiting: () => void): Promise<Disposable> {
  const connection = new DatabaseSync(file, { timeout: 0 })
  try {
    let told = false
    while (!tryLock(connection)) {
      if (!told) waiting()
      told = true
      await sleep(100, undefined, { signal })
    }
  } catch (error) {
    connection.close()
    throw error
  }
  return { [Symbol.dispose]: () => connection.close() }
}

const SQLITE_BUSY = 5

function tryLock(connection: DatabaseSync): boolean {
  try {
    connection.exec('begin exclusive')
    return true
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false
    throw error
  }
}
