import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { canonicalJson } from '../lib/canonical-json.ts'
import { hasCode } from '../lib/error-code.ts'
import { sha256 } from '../lib/sha256.ts'
import type { Installer } from './find-installer.ts'
import type { Python } from './find-python.ts'
import type { RequirementSet } from './read-requirements.ts'

/**
 * Counts up when the same files may give another lock than before: what was resolved by older rules is neither read
 * from disk nor taken from the step cache. It costs every project a new resolution, which may bring newer packages.
 */
export const RESOLVER_RULES = 3

export interface Resolved {
  readonly requirements: Pick<RequirementSet, 'files' | 'digests'>
  readonly python: Pick<Python, 'version' | 'platform'>
  readonly installer: Pick<Installer, 'index'>
}

/** Where the lock of the same files, Python, platform and index is kept, below `<data>/environments`. */
export function lockFile(root: string, { requirements, python, installer }: Resolved, rules = RESOLVER_RULES): string {
  const inputs = [rules, requirements.files, requirements.digests, python.version, python.platform, installer.index]
  return join(root, 'locks', `${sha256(canonicalJson(inputs)).slice('sha256:'.length)}.txt`)
}

/** Of two that resolved at once, the first to be kept counts for both: one lock, one environment. */
export async function keepLock(file: string, lock: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o755 })
  const kept = await readLock(file)
  if (kept !== undefined) return kept
  const temporary = `${file}.${process.pid}.${performance.now()}`
  await writeFile(temporary, lock, { flush: true })
  await rename(temporary, file)
  return lock
}

export async function readLock(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
