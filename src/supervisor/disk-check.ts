import type { Stats } from 'node:fs'
import { limit } from '../core/limits.ts'
import { bytesBelow } from '../lib/bytes-below.ts'
import { privateFolders } from './workspace.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import type { Interruption } from './attempt-end.ts'

/** Between two looks; and ten times what a look took, so that counting a million files is not all that happens. */
const SHORTEST_REST_MS = 1_000
const REST_FACTOR = 10

/** Counts what the attempt has on the disk, again and again beside it; what it answers ends the command. */
export function diskCheck(order: AttemptOrder, limitBytes: number): () => Interruption | undefined {
  let found: Interruption | undefined
  let isLooking = false
  let restUntil = 0

  async function look(): Promise<void> {
    const startedAt = performance.now()
    found ??= await overLimit(order, limitBytes)
    restUntil = performance.now() + Math.max(SHORTEST_REST_MS, REST_FACTOR * (performance.now() - startedAt))
  }

  return () => {
    if (!isLooking && performance.now() >= restUntil) {
      isLooking = true
      // A folder that goes away while we count is counted the next time.
      look()
        .catch(() => (restUntil = performance.now() + SHORTEST_REST_MS))
        .finally(() => (isLooking = false))
    }
    return found
  }
}

/**
 * A last look when the command has ended by itself: a short one may have written all of it between two looks. Only where the
 * step has a limit of its own, so that others do not pay for it.
 */
export async function diskAtEnd(order: AttemptOrder): Promise<Interruption | undefined> {
  const { diskBytes } = order
  if (diskBytes === undefined || diskBytes === limit('stepDiskBytes')) return undefined
  return overLimit(order, diskBytes)
}

async function overLimit(order: AttemptOrder, limitBytes: number): Promise<Interruption | undefined> {
  const { home, tmp } = privateFolders(order)
  let bytes = 0
  for (const folder of [order.workspace, home, tmp]) bytes += await bytesBelow(folder, onDisk)
  return bytes > limitBytes ? tooMuch(bytes, limitBytes) : undefined
}

function tooMuch(bytes: number, limitBytes: number): Interruption {
  const [used, may] = [bytes, limitBytes].map((each) => Math.round(each / 2 ** 20))
  return {
    reason: 'disk-full',
    message: `It wrote more than it may: ${used} of ${may} MiB on the disk (\`resources: { disk: … }\`).`,
    graceMs: 0,
  }
}

/** Blocks, and not sizes: a sparse file of a terabyte is no burden. */
function onDisk({ blocks }: Stats): number {
  return blocks * 512
}
