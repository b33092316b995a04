import { limit } from '../core/limits.ts'
import { reach } from '../core/points.ts'
import type { AttemptRow } from '../db/tables.ts'
import { mapBounded } from '../lib/map-bounded.ts'
import { getAttempt, listUnforgottenAttempts } from './attempts.sql.ts'
import { isKeptForDebug } from './debug-place.ts'
import type { AttemptContext } from './engine-options.ts'
import type { Kernel } from './kernel.ts'

/**
 * After an attempt: closes what was opened for it and clears it away. The workspace of one that went wrong
 * is kept for a while, for whoever wants to look. The handle is removed last: an attempt that has ended and
 * still has one is not cleared away.
 */
export async function closeAttempt(kernel: Kernel, context: AttemptContext): Promise<void> {
  await kernel.options.closeStep(context)
  if (isKept(context.attempt, isKeptForDebug(context))) return
  await forgetAttempt(kernel, context.attempt)
}

/** As `closeAttempt`, of one that somebody else ended. */
export async function closeEnded(kernel: Kernel, id: string): Promise<void> {
  const attempt = await getAttempt(kernel.options.database.read, id)
  if (attempt !== undefined) await closeAttempt(kernel, await kernel.contextOfAttempt(attempt))
}

/** What a server that died has not closed. */
export async function closeLeftovers(kernel: Kernel): Promise<void> {
  await closeAll(kernel, Date.now())
}

/** Workspaces that have been kept long enough. */
export async function clearExpired(kernel: Kernel): Promise<void> {
  await closeAll(kernel, Date.now() - limit('workspaceKeepMs'))
}

/** Handles are removed together: one after another, each would wait for the others that do not come. */
const AT_A_TIME = 20

async function closeAll(kernel: Kernel, endedBefore: number): Promise<void> {
  let after = ''
  for (;;) {
    const page = { endedBefore, after, limit: 100 }
    const attempts = await listUnforgottenAttempts(kernel.options.database.read, page)
    const last = attempts.at(-1)
    if (last === undefined) return
    await mapBounded(attempts, AT_A_TIME, (attempt) => closeLeftover(kernel, attempt))
    after = last.id
  }
}

async function closeLeftover(kernel: Kernel, attempt: AttemptRow): Promise<void> {
  try {
    await closeAttempt(kernel, await kernel.contextOfAttempt(attempt))
  } catch (error) {
    kernel.options.log.warn({ attempt: attempt.id, error }, 'attempt could not be closed')
  }
}

function isKept({ state, ended_at }: AttemptRow, whatever: boolean): boolean {
  const wentWrong = state === 'failed' || state === 'lost'
  return (wentWrong || whatever) && Date.now() - (ended_at ?? 0) < limit('workspaceKeepMs')
}

async function forgetAttempt(kernel: Kernel, attempt: AttemptRow): Promise<void> {
  if (attempt.handle === null) return
  await kernel.executor(attempt.executor)?.forget(attempt.handle)
  await reach('attempt forgotten', attempt.id)
  await kernel.removeHandle(attempt.id)
}
