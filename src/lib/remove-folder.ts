import { rmSync } from 'node:fs'
import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './error-code.ts'

/**
 * As `rm -rf`, also where somebody made folders in it that may not be written, or that lie too deep to be named. Works beside the
 * program, but for what is so deep.
 */
export async function removeFolder(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true })
  } catch (error) {
    // Unlike `rm` it goes down folder by folder, and never names a whole path.
    if (hasCode(error, 'ENAMETOOLONG')) return rmSync(folder, { recursive: true, force: true })
    if (!hasCode(error, 'EACCES', 'EPERM', 'ENOTEMPTY')) throw error
    await makeWritable(folder)
    await rm(folder, { recursive: true, force: true })
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name))
  }
}
