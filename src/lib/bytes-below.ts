import type { Stats } from 'node:fs'
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './error-code.ts'

/**
 * The bytes of all files below a folder, each as `of` counts them. Links are not followed. What somebody takes away meanwhile,
 * closed to us or nested too deeply to be named counts as nothing: steps do all that.
 */
export async function bytesBelow(folder: string, of: (file: Stats) => number): Promise<number> {
  let bytes = 0
  try {
    for await (const entry of await opendir(folder)) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) bytes += await bytesBelow(path, of)
      else if (entry.isFile()) bytes += await bytesOf(path, of)
    }
  } catch (error) {
    ignoreHidden(error)
  }
  return bytes
}

async function bytesOf(file: string, of: (file: Stats) => number): Promise<number> {
  try {
    return of(await lstat(file))
  } catch (error) {
    ignoreHidden(error)
    return 0
  }
}

function ignoreHidden(error: unknown): void {
  if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENAMETOOLONG')) throw error
}
