import { statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { listProjects } from '../source/projects.ts'
import type { GarbageNeeds } from './collect-garbage.ts'
import type { Installation } from './installation.ts'

const LOOK_MS = 10_000
const HOUR_MS = 3_600_000
/** Who has just started a server wants to use it, and one that starts again and again must not collect each time. */
const AFTER_START_MS = HOUR_MS / 4
const EVERY_MS = 24 * HOUR_MS
const SCARCE_SHARE = 0.05
const SCARCE_EVERY_MS = HOUR_MS

type Needs = GarbageNeeds & Pick<Installation, 'log'>

/**
 * Collects garbage once a day until `signal` aborts, and as soon as the disk is nearly full. Then too only what nothing needs
 * goes, and what is over its budget: a cache that is emptied because others fill the disk makes everything slow and helps for an hour.
 */
export async function collectRegularly(needs: Needs, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now()
  let lastAt = -Infinity
  while (!signal.aborted) {
    const { bavail, blocks, bsize } = await statfs(needs.dataFolder)
    // Not the clock of the wall: one that is set ahead must not collect.
    const now = performance.now()
    const why = whyCollect({ upMs: now - startedAt, restedMs: now - lastAt, freeShare: bavail / blocks })
    // Without a project there is nothing to collect, or this is not the database of this folder: then all would seem to be garbage.
    if (why !== undefined && (await listProjects(needs.database.read)).length > 0) {
      lastAt = now
      if (why === 'disk') needs.log.warn({ freeBytes: bavail * bsize }, 'the disk is nearly full')
      await collect(needs, why, signal)
    }
    await sleep(LOOK_MS, undefined, { signal })
  }
}

async function collect(needs: Needs, why: string, signal: AbortSignal): Promise<void> {
  try {
    const { collectGarbage } = await import('./collect-garbage.ts')
    const { rows, freedBytes } = await collectGarbage(needs, false, signal)
    needs.log.info({ why, freedBytes, removed: rows.filter(({ removed }) => removed).length }, 'garbage collected')
  } catch (error) {
    if (signal.aborted) return
    needs.log.error({ error: String(error) }, 'garbage could not be collected, will be tried again')
  }
}

/** Undefined: not now. `restedMs`: since it was last collected. */
export function whyCollect(at: {
  readonly upMs: number
  readonly restedMs: number
  readonly freeShare: number
}): 'time' | 'disk' | undefined {
  if (at.freeShare < SCARCE_SHARE && at.restedMs >= SCARCE_EVERY_MS) return 'disk'
  return at.upMs >= AFTER_START_MS && at.restedMs >= EVERY_MS ? 'time' : undefined
}
