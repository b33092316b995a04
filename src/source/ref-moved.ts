import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NO_COMMIT, type RefUpdate } from './hook-messages.ts'
import { refCommit } from './read-commit.ts'

/** In the reflog it stands for who moved the ref, so that the log proves which push it was. */
export function reflogEmail(pushId: string): string {
  return `${pushId}@push.tidegate`
}

/**
 * Whether this push moved this ref, said by the repository after `receive-pack` is dead. The ref alone
 * would not do: another push may have moved it to the same commit, or on from there, before the crash. Git
 * writes the log first and then the ref, so the newest line of the log counts only when the ref agrees.
 */
export async function hasMoved(repository: string, pushId: string, update: RefUpdate): Promise<boolean> {
  const current = await refCommit(repository, update.ref)
  if (update.newCommit === NO_COMMIT) return current === undefined
  return isLogged(await readReflog(repository, update.ref), current, pushId, update)
}

export function isLogged(reflog: string, current: string | undefined, pushId: string, update: RefUpdate): boolean {
  const lines = reflog.split('\n').filter((line) => line !== '')
  const ours = lines.findIndex(
    (line) => line.includes(`<${reflogEmail(pushId)}>`) && line.split(' ')[1] === update.newCommit,
  )
  if (ours === -1) return false
  const next = lines[ours + 1]
  return next === undefined ? current === update.newCommit : next.split(' ')[0] === update.newCommit
}

/** Empty when there is none: a deleted ref takes its log along. */
async function readReflog(repository: string, ref: string): Promise<string> {
  try {
    return await readFile(join(repository, 'logs', ref), 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return ''
    throw error
  }
}
