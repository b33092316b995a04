import { existsSync, statSync } from 'node:fs'
import { access, constants, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ServerConfig } from '../server-config.ts'
import { lacking, missing, ok, type Check } from './check.ts'

const LITTLE_BYTES = 5 * 2 ** 30

/** Writes nothing: the folder itself is made by the first start. */
export async function checkDataFolder({ dataFolder }: ServerConfig): Promise<Check[]> {
  const there = nearestThere(dataFolder)
  try {
    await access(there, constants.W_OK | constants.X_OK)
  } catch (error) {
    const found = `${dataFolder} cannot be written: ${(error as Error).message}`
    return [missing('data folder', found, 'Make it writable, or name another with --data or TIDEGATE_DATA.')]
  }
  return [checkWayIn(dataFolder, there), await checkRoom(there)]
}

function nearestThere(folder: string): string {
  return existsSync(folder) ? folder : nearestThere(dirname(folder))
}

/** As root we run steps as users of their own, who must be able to reach their workspaces. */
function checkWayIn(dataFolder: string, there: string): Check {
  const closed = process.getuid?.() === 0 ? closedOnTheWay(there) : undefined
  if (closed === undefined) return ok('data folder', dataFolder)
  return missing(
    'data folder',
    `${dataFolder} lies in ${closed}, which other users may not enter, and steps run as other users because this is root`,
    `Use a folder such as /var/lib/tidegate, or \`chmod o+x ${closed}\`.`,
  )
}

function closedOnTheWay(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return at
    if (at === dirname(at)) return undefined
  }
}

async function checkRoom(dataFolder: string): Promise<Check> {
  const { bavail, bsize } = await statfs(dataFolder)
  const bytes = bavail * bsize
  const found = `${(bytes / 2 ** 30).toFixed(1)} GiB free`
  if (bytes >= LITTLE_BYTES) return ok('disk', found)
  return lacking('disk', found, 'Environments and models take gigabytes: `tidegate gc` removes what nothing needs.')
}
