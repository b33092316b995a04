import { ATTEMPT_MARK, type ProcessIdentity } from '../core/attempt-files.ts'
import { hasInEnvironment, listProcesses, type ProcessRow } from '../lib/processes.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'

/**
 * The processes of an attempt: the command's session and group, everything that carries the mark, which finds
 * what forked away into a session of its own, and the children of all these, which finds what wrote its title
 * over its environment. What did that *and* lost its parent is not found.
 */
export function findAttemptProcesses(order: AttemptOrder, command: ProcessIdentity): ProcessRow[] {
  const later = listProcesses().filter((row) => isNoOlder(row, command) && row.pid !== process.pid)
  const found = new Map<number, ProcessRow>()
  for (const row of later) {
    const isNear = row.session === command.pid || row.group === command.pid
    if (isNear || hasInEnvironment(row.pid, ATTEMPT_MARK, order.attemptFolder)) found.set(row.pid, row)
  }
  for (let before = -1; before < found.size;) {
    before = found.size
    for (const row of later) if (found.has(row.parent)) found.set(row.pid, row)
  }
  return [...found.values()]
}

/** Most of a machine's processes are older than the command, and need no closer look. */
function isNoOlder(row: ProcessRow, command: ProcessIdentity): boolean {
  return Number(row.startTicks) >= Number(command.startTicks)
}
