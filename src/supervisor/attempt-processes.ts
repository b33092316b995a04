import { ATTEMPT_MARK, type ProcessIdentity } from '../core/attempt-files.ts'
import type { ControlGroup } from '../lib/control-group.ts'
import { hasInEnvironment, listProcesses, nameOf, readProcess, type ProcessRow } from '../lib/processes.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'

/**
 * The processes of an attempt: the sessions and groups of its command and its services, everything that carries the mark, which finds
 * what forked away into a session of its own, and the children of all these, which finds what wrote its title
 * over its environment. What did that *and* lost its
 * parent is found by the attempt's control group, where there is one. Another user's process cannot leave that: then
 * nothing else need be looked at, and it costs a tenth of a millisecond instead of several.
 */
export function findAttemptProcesses(
  order: AttemptOrder,
  roots: readonly ProcessIdentity[],
  group: ControlGroup | undefined,
): ProcessRow[] {
  const grouped = (group?.processes() ?? []).flatMap((pid) => readProcess(pid) ?? [])
  if (order.runAs !== undefined && group !== undefined) return grouped
  // Most of a machine's processes are older than the command, and need no closer look.
  const since = Math.min(...roots.map((root) => Number(root.startTicks)))
  const later = listProcesses().filter((row) => Number(row.startTicks) >= since && row.pid !== process.pid)
  const pids = new Set(roots.map(({ pid }) => pid))
  const found = new Map<number, ProcessRow>()
  for (const row of later) {
    const isNear = pids.has(row.session) || pids.has(row.group)
    if (isNear || hasInEnvironment(row.pid, ATTEMPT_MARK, order.attemptFolder)) found.set(row.pid, row)
  }
  for (const row of grouped) found.set(row.pid, row)
  for (let before = -1; before < found.size;) {
    before = found.size
    for (const row of later) if (found.has(row.parent)) found.set(row.pid, row)
  }
  return [...found.values()]
}

/**
 * Of these, whom TERM is for: the command and all that it started, and not the walls around them. Bubblewrap's outer
 * process dies of TERM, and nobody would hear how the command ended; its inner one is the first behind the walls, where the
 * kernel lets no TERM through. While nobody is behind them yet, the walls themselves are asked.
 */
export function askedToEnd(rows: readonly ProcessRow[], roots: readonly ProcessIdentity[]): number[] {
  const rootPids = new Set(roots.map(({ pid }) => pid))
  const isWall = ({ pid, parent }: ProcessRow) =>
    (rootPids.has(pid) || rootPids.has(parent)) && nameOf(pid) === WALL_NAME
  const inside = rows.filter((row) => !isWall(row))
  return (inside.length === 0 ? rows : inside).map(({ pid }) => pid)
}

const WALL_NAME = 'bwrap'
