import { chmodSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, sep } from 'node:path'

/**
 * Lets other users pass through every folder above `path`, not list it; what lies in them is closed by its
 * own mode. Only `ourFolder`, the machine's temporary folder and what is below them are ours to open: the
 * answer is the first other folder that is closed, or undefined when the way is free.
 */
export function openWay(path: string, ourFolder: string): string | undefined {
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
    const { mode } = statSync(folder)
    if ((mode & 0o001) !== 0) continue
    if (!isWithin(folder, ourFolder) && !isWithin(folder, tmpdir())) return folder
    chmodSync(folder, (mode & 0o777) | 0o001)
  }
  return undefined
}

function isWithin(folder: string, ancestor: string): boolean {
  return ancestor !== '/' && (folder === ancestor || folder.startsWith(ancestor + sep))
}
