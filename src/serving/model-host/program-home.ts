import { chownSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modelUser } from '../../core/model-user.ts'
import { openWay } from '../../lib/open-way.ts'
import { removeFolder } from '../../lib/remove-folder.ts'
import { sha256 } from '../../lib/sha256.ts'

/**
 * HOME and TMPDIR of a program that a bundle brings: the one place where it may write. Made and removed by
 * the host's parent, because the host itself is killed and removes nothing.
 */
export function makeProgramHome(owner: string, bundleFolder: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefixOf(owner)))
  const user = modelUser(bundleFolder)
  if (user === undefined) return folder
  chownSync(folder, user.uid, user.gid)
  openWay(folder, tmpdir())
  return folder
}

/** Its program has ended. Whatever that left, the parent goes on: `onTrouble` hears of a folder that stays. */
export async function removeProgramHome(folder: string, onTrouble: (error: unknown) => void): Promise<void> {
  try {
    await removeFolder(folder)
  } catch (error) {
    onTrouble(error)
  }
}

/** What an owner left that was killed. */
export async function removeProgramHomes(owner: string, onTrouble: (error: unknown) => void): Promise<void> {
  const left = readdirSync(tmpdir()).filter((name) => name.startsWith(prefixOf(owner)))
  await Promise.all(left.map((name) => removeProgramHome(join(tmpdir(), name), onTrouble)))
}

function prefixOf(owner: string): string {
  return `tidegate-model-${sha256(owner).replace('sha256:', '').slice(0, 16)}-`
}
