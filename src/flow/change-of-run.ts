import { changedLines, ancestorsOf } from '../source/changed-lines.ts'
import { getProject } from '../source/projects.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { recentCoverage } from '../reports/coverage.sql.ts'
import { isAppError } from '../core/errors.ts'
import type { RunRow } from '../db/tables.ts'
import type { Installation } from './installation.ts'
import type { ComparedChange } from './read-step-coverage.ts'

/**
 * What a run's coverage is compared with: the newest commit of the default branch that has one and that this
 * commit stands on. For a branch that is where it left the default branch, or the last measured commit before.
 */
export async function changeOfRun(
  { database, dataFolder }: Pick<Installation, 'database' | 'dataFolder'>,
  run: RunRow,
): Promise<ComparedChange | undefined> {
  const project = await getProject(database.read, run.project)
  const measured = await recentCoverage(database.read, run.project, project.defaultBranch)
  if (measured.length === 0) return undefined
  const repository = repositoryFolder(dataFolder, project)
  const ancestors = await ancestorsOf(repository, run.commit_id)
  const base = measured.find(({ commit }) => commit !== run.commit_id && ancestors.has(commit))
  if (base === undefined) return undefined
  try {
    return { base, lines: await changedLines(repository, base.commit, run.commit_id, project.path) }
  } catch (error) {
    // A change of more lines than anybody reviews: the totals are still compared.
    if (isAppError(error, 'TOO_LARGE')) return { base, lines: new Map() }
    throw error
  }
}
