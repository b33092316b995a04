import { chmodSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from './error-code.ts'

/** As `rm -rf`, also where somebody made folders in it that may not be written. */
export function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'ENOTEMPTY')) throw error
    makeWritable(folder)
    rmSync(folder, { recursive: true, force: true })
  }
}

function makeWritable(folder: string): void {
  chmodSync(folder, 0o700)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) makeWritable(join(folder, entry.name))
  }
}
