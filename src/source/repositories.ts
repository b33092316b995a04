import { randomUUID } from 'node:crypto'
import { access, mkdir, rename, rm, utimes } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { runGit } from './run-git.ts'

/** What is in a repository, or came to it: a project, a push. The name must have been checked: it becomes a path. */
export interface InRepository {
  readonly repository: string
}

/** Where the bare repository is. */
export function repositoryFolder(dataFolder: string, { repository }: InRepository): string {
  return resolve(dataFolder, 'repositories', `${repository}.git`)
}

/**
 * Makes the bare repository unless it is there. It appears whole, by a rename, so that a crash, or two
 * callers at once, leave no half repository. What pushes may do is set per call (`receive-pack.ts`), not in
 * the repository, so an upgrade holds for old ones too.
 */
export async function ensureRepository(dataFolder: string, of: InRepository, defaultBranch: string): Promise<string> {
  const folder = repositoryFolder(dataFolder, of)
  if (await exists(folder)) return folder
  const temporary = join(resolve(dataFolder, 'repositories'), `.${of.repository}.${randomUUID()}`)
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

/** Nothing is in it any more. From now on its time runs until garbage collection takes it. */
export async function leaveRepository(dataFolder: string, of: InRepository): Promise<void> {
  const now = new Date()
  if (await hasRepository(dataFolder, of)) await utimes(repositoryFolder(dataFolder, of), now, now)
}

/** False where the folder was removed by hand, or not restored. */
export function hasRepository(dataFolder: string, of: InRepository): Promise<boolean> {
  return exists(repositoryFolder(dataFolder, of))
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
