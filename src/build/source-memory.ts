import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isDigest, type Digest } from '../core/digest.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { readJsonFile, replaceJsonFile } from '../lib/json-file.ts'
import { sha256 } from '../lib/sha256.ts'

/** What a source was like when it was read last: by path its stamp, and what was in it. */
export type SourceMemory = Readonly<Record<string, readonly [stamp: string, digest: Digest, size: number]>>

/**
 * `<data>/sources/<name>.json`. The name holds everything that decides what somebody may see there, the project
 * and credentials too: an answer "unchanged" never shows one project what another fetched.
 */
export function memoryFile(dataFolder: string, identity: unknown): string {
  return join(dataFolder, 'sources', `${sha256(canonicalJson(identity)).replace('sha256:', '')}.json`)
}

/** A memory that cannot be read is no harm: everything is fetched again. */
export function readMemory(file: string): SourceMemory {
  try {
    const entries = Object.entries((readJsonFile(file) ?? {}) as Record<string, unknown>)
    return Object.fromEntries(entries.filter(([, entry]) => isEntry(entry))) as SourceMemory
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

export function writeMemory(file: string, memory: SourceMemory): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  replaceJsonFile(file, memory)
}

function isEntry(entry: unknown): boolean {
  if (!Array.isArray(entry)) return false
  const [stamp, digest, size] = entry as unknown[]
  return typeof stamp === 'string' && typeof digest === 'string' && isDigest(digest) && typeof size === 'number'
}
