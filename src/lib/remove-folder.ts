import { lstatSync, opendirSync, rmdirSync, rmSync, unlinkSync } from 'node:fs'
import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from './error-code.ts'

/**
 * As `rm -rf`, also where somebody made folders in it that may not be written, or that lie too deep to be named. Works beside the
 * program, but for what is so deep, and for a few small files.
 */
export async function removeFolder(folder: string): Promise<void> {
  if (removedAtOnce(folder)) return
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

/** As most steps leave. Asking a thread for each call costs several times what the call does. */
const FEW_FILES = 32
/** Removing a large file keeps a disk busy. */
const FEW_BYTES = 1 << 20

function removedAtOnce(folder: string): boolean {
  try {
    if (!lstatSync(folder).isDirectory()) return false
    const files = fewSmallFilesIn(folder)
    for (const file of files ?? []) unlinkSync(file)
    if (files !== undefined) rmdirSync(folder)
    return files !== undefined
  } catch {
    // Whatever is in the way is dealt with, or told, by the other way.
    return false
  }
}

/** Undefined where there is more than that, or a folder. */
function fewSmallFilesIn(folder: string): string[] | undefined {
  using opened = opendirSync(folder, { bufferSize: FEW_FILES + 1 })
  const files: string[] = []
  for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) {
    const file = join(folder, entry.name)
    if (entry.isDirectory() || files.length === FEW_FILES || lstatSync(file).size > FEW_BYTES) return undefined
    files.push(file)
  }
  return files
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name))
  }
}
