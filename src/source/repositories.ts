import { randomUUID } from 'node:crypto'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { runGit } from './run-git.ts'

/** Where a project's bare repository is. The name must have been checked: it becomes a path. */
export function repositoryFolder(dataFolder: string, project: string): string {
  return resolve(dataFolder, 'repositories', `${project}.git`)
}

/**
 * Makes the bare repository unless it is there. It appears whole, by a rename, so that a crash, or two
 * callers at once, leave no half repository. What pushes may do is set per call (`receive-pack.ts`), not in
 * the repository, so an upgrade holds for old ones too.
 */
export async function ensureRepository(dataFolder: string, project: string, defaultBranch: string): Promise<string> {
  const folder = repositoryFolder(dataFolder, project)
  if (await exists(folder)) return folder
  const temporary = join(resolve(dataFolder, 'repositories'), `.${project}.${randomUUID()}`)
  await mkdir(temporary, { recursive: true })
  await runGit(temporary, ['init', '--quiet', '--bare', '--template=', `--initial-branch=${defaultBranch}`, temporary])
  try {
    await rename(temporary, folder)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    if (!(await exists(folder))) throw error
  }
  return folder
}

/** False for a project whose folder was removed by hand, or not restored. */
export function hasRepository(dataFolder: string, project: string): Promise<boolean> {
  return exists(repositoryFolder(dataFolder, project))
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
