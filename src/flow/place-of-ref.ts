import type { Project } from '../source/projects.ts'
import { isOnBranch, resolveRef } from '../source/read-commit.ts'

/** What a run knows about where its commit stands. */
export interface RefPlace {
  readonly commit: string
  /** Empty: on none that delivers or that a rule could mean. */
  readonly branch: string
  readonly tag?: string
}

/**
 * What somebody means by a branch, tag or commit, in this order: a tag called `main` must not take the place of the
 * branch, which is what delivers. Undefined where there is nothing of this name.
 */
export async function placeOfRef(repository: string, project: Project, ref: string): Promise<RefPlace | undefined> {
  const branch = ref.replace(/^refs\/heads\//, '')
  const head = await resolveName(repository, `refs/heads/${branch}`)
  if (head !== undefined) return { commit: head, branch }
  const tag = ref.replace(/^refs\/tags\//, '')
  const tagged = await resolveName(repository, `refs/tags/${tag}`)
  if (tagged !== undefined) return { commit: tagged, branch: await branchOfCommit(repository, project, tagged), tag }
  const commit = await resolveRef(repository, ref)
  return commit === undefined ? undefined : { commit, branch: await branchOfCommit(repository, project, commit) }
}

/** `main~1` is a commit that stands before a branch, and no branch. */
async function resolveName(repository: string, ref: string): Promise<string | undefined> {
  return /[~^:]|@\{/.test(ref) ? undefined : resolveRef(repository, ref)
}

/**
 * Of a tag or a commit: the default branch where that has it, else none. Any other branch would be a guess, and
 * somebody could push one called as `deliver.branches` likes it.
 */
export async function branchOfCommit(repository: string, project: Project, commit: string): Promise<string> {
  return (await isOnBranch(repository, commit, project.defaultBranch)) ? project.defaultBranch : ''
}
