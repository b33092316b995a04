import { symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { TaskContext } from '../core/task.ts'
import type { ArtifactRef } from '../core/tree.ts'
import { openAnalytics, queryRows, tableReader } from '../lib/open-analytics.ts'

/** Larger text is not read through just to be counted; Parquet says it without reading. */
const TEXT_BYTES = 1 << 30

/**
 * The rows of a table, for people to see; null for what is none. A file that is not the table its name says is
 * its steps' to find out.
 */
export async function countRows(path: string, ref: ArtifactRef, context: TaskContext): Promise<number | null> {
  const place = context.artifacts.localPath(ref.digest)
  if (ref.kind !== 'file' || place === undefined) return null
  return countTable(path, place, ref.size, context.workspace)
}

/** As `countRows`, of content at `place`. `folder` is for what counting needs besides. */
export async function countTable(path: string, place: string, size: number, folder: string): Promise<number | null> {
  const named = join(folder, `counted-${basename(path)}`)
  const reader = tableReader(named)
  const isSmall = path.endsWith('.parquet') || size <= TEXT_BYTES
  if (reader === undefined || !isSmall) return null
  // Under its own name: by that it is known how to read it.
  await symlink(place, named)
  await using analytics = await openAnalytics({ spillFolder: join(folder, 'spill') })
  return await analytics.use(async (connection) => {
    try {
      const [row] = await queryRows(connection, `select count(*)::double as n from ${reader}`)
      return Number(row?.['n'] ?? 0)
    } catch {
      return null
    }
  })
}
