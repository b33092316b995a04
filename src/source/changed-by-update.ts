import type { RefUpdate } from './hook-messages.ts'
import { changedFiles, defaultHead } from './read-commit.ts'
import { tryGit, type GitCall } from './run-git.ts'

/** Reads what a push brings before its refs move: `call` names where git keeps it until then. */
export interface UpdateView {
  readonly repository: string
  readonly defaultBranch: string
  readonly call?: GitCall
}

/**
 * Paths that an update of a ref changes, in the whole repository; undefined: not known, which counts as all of them.
 * A branch that is new, or goes, is compared with where it left the default branch; one without a commit of its
 * own, the default branch itself and a tag name a commit and change nothing: what they stand for is not known.
 */
export async function changedByUpdate(view: UpdateView, update: RefUpdate): Promise<readonly string[] | undefined> {
  const { ref, oldCommit, newCommit } = update
  if (!ref.startsWith('refs/heads/')) return undefined
  const isNew = isNone(oldCommit)
  if (!isNew && !isNone(newCommit)) return changedFiles(view.repository, oldCommit, newCommit, view.call)
  if (ref === `refs/heads/${view.defaultBranch}`) return undefined
  const changed = await changedSinceItLeft(view, isNew ? newCommit : oldCommit)
  return isNew && changed?.length === 0 ? undefined : changed
}

/** Whether one of these paths is in the folder; not known counts as yes. */
export function isChangedBelow(changed: readonly string[] | undefined, folder: string): boolean {
  return changed === undefined || folder === '' || changed.some((path) => path.startsWith(`${folder}/`))
}

async function changedSinceItLeft(view: UpdateView, commit: string): Promise<string[] | undefined> {
  const head = await defaultHead(view.repository, view.defaultBranch)
  if (head === undefined) return undefined
  const base = await tryGit(view.repository, ['merge-base', '--end-of-options', head, commit], view.call)
  return changedFiles(view.repository, base?.toString('utf8').trim(), commit, view.call)
}

/** Zeros, of whichever hash. */
function isNone(commit: string): boolean {
  return /^0+$/.test(commit)
}
