import { NO_COMMIT, type RefUpdate } from '../source/hook-messages.ts'
import type { Project } from '../source/projects.ts'
import { standsForCommit } from '../source/read-commit.ts'
import { touchedProjects } from '../source/touched-projects.ts'
import { pipelinePath } from './pipeline-text.ts'

/** For the pusher: why a push that is handled started nothing of these projects of its repository. */
export async function* whyNoRun(
  repository: string,
  idle: readonly Project[],
  updates: readonly RefUpdate[],
): AsyncGenerator<string> {
  if (idle.length === 0) return
  const moved = updates.filter(({ newCommit }) => newCommit !== NO_COMMIT)
  if (moved.length === 0) {
    yield 'tidegate: nothing to run: the push only deletes.'
    return
  }
  // Each is compared by git: for so many refs that takes longer than anybody wants to know.
  if (moved.length > MOST_COMPARED) {
    yield `tidegate: no run of ${firstOf(idle)} for any of the ${moved.length} refs.`
    return
  }
  const touched = new Set<string>()
  const ofCommits: RefUpdate[] = []
  for (const update of moved) {
    if (await standsForCommit(repository, update.newCommit)) ofCommits.push(update)
    else yield `tidegate: nothing to run for ${update.ref}: it stands for no commit.`
  }
  if (ofCommits.length === 0) return
  for (const update of ofCommits) {
    for (const { project } of await touchedProjects({ repository }, idle, update)) touched.add(project.name)
  }
  const elsewhere = idle.filter(({ name }) => !touched.has(name))
  if (elsewhere.length === 1) {
    yield `tidegate: no run of ${elsewhere[0]!.name}: nothing in ${elsewhere[0]!.path} was changed.`
  } else if (elsewhere.length > 1) {
    yield `tidegate: no run of ${firstOf(elsewhere)}: nothing in their folders was changed.`
  }
  const unwanted = idle.filter(({ name }) => touched.has(name))
  for (const project of unwanted.slice(0, MOST_NAMED)) {
    yield `tidegate: no run of ${project.name}: \`on:\` in ${pipelinePath(project)} starts nothing for this push.`
  }
  const more = unwanted.length - MOST_NAMED
  if (more > 0) yield `tidegate: no run of ${more} more, whose \`on:\` starts nothing for this push.`
}

const MOST_NAMED = 10
const MOST_COMPARED = 100

function firstOf(projects: readonly Project[]): string {
  const names = projects.slice(0, MOST_NAMED).map(({ name }) => name)
  const more = projects.length - names.length
  return more === 0 ? names.join(', ') : `${names.join(', ')} and ${more} more`
}
