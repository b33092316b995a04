import { join } from 'node:path'
import { sha256 } from '../lib/sha256.ts'
import { shortDigest } from '../core/digest.ts'

export interface AttemptPlace {
  readonly id: string
  /** Log and control files. */
  readonly folder: string
  readonly workspace: string
}

/** Names an attempt; the same for ever. */
export function attemptId(runId: string, step: string, number: number): string {
  return `${runId}/${step}/${number}`
}

/** Where an attempt lives; the same for ever, so that it is found again after a restart. */
export function attemptPlace(
  dataFolder: string,
  run: { readonly id: string; readonly project: string; readonly number: number },
  step: string,
  number: number,
): AttemptPlace {
  const slug = join(run.project, String(run.number), stepSlug(step), String(number))
  return {
    id: attemptId(run.id, step, number),
    folder: join(dataFolder, 'attempts', slug),
    workspace: join(dataFolder, 'workspaces', slug),
  }
}

/** A step's key as a file name. Keys that are none keep their readable part and get a piece of their digest. */
export function stepSlug(key: string): string {
  if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(key)) return key
  const readable = key
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40)
  return `${readable}.${shortDigest(sha256(key))}`
}
