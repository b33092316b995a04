import type { RunRow } from '../db/tables.ts'
import { getProject } from '../source/projects.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { snapshotCommit } from '../source/snapshot-commit.ts'
import type { Installation } from './installation.ts'

type Needs = Pick<Installation, 'database' | 'dataFolder' | 'store'>

/** Takes the files of a run's commit from git once more. Says whether these are the files the run was made of. */
export async function mendSource({ database, dataFolder, store }: Needs, run: RunRow): Promise<boolean> {
  const project = await getProject(database.read, run.project)
  const repository = repositoryFolder(dataFolder, project)
  const { tree } = await snapshotCommit(store, repository, run.commit_id, project.path)
  return tree === run.source_tree
}
