import { changedByUpdate, isChangedBelow, type UpdateView } from './changed-by-update.ts'
import type { RefUpdate } from './hook-messages.ts'
import type { Project } from './projects.ts'

export interface TouchedProject {
  readonly project: Project
  /** Paths in the repository; undefined: not known. */
  readonly changed: readonly string[] | undefined
}

/** Which of these projects of one repository an update of a ref is about, each beside its own default branch. */
export async function touchedProjects(
  view: Omit<UpdateView, 'defaultBranch'>,
  projects: readonly Project[],
  update: RefUpdate,
): Promise<TouchedProject[]> {
  const byBranch = new Map<string, readonly string[] | undefined>()
  for (const defaultBranch of new Set(projects.map((project) => project.defaultBranch))) {
    byBranch.set(defaultBranch, await changedByUpdate({ ...view, defaultBranch }, update))
  }
  return projects
    .map((project) => ({ project, changed: byBranch.get(project.defaultBranch) }))
    .filter(({ project, changed }) => isChangedBelow(changed, project.path))
}
