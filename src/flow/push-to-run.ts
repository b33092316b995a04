import { reach } from '../core/points.ts'
import { commitBell } from '../db/outbox.ts'
import type { NewRun } from '../engine/create-run.ts'
import { projectsIn, type Project } from '../source/projects.ts'
import { markHandled, unhandledUpdates, type UnhandledUpdate } from '../source/pushes.ts'
import { resolveRef, standsForCommit } from '../source/read-commit.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { touchedProjects, type TouchedProject } from '../source/touched-projects.ts'
import type { Installation } from './installation.ts'
import { branchOfCommit } from './place-of-ref.ts'
import { planCommit, type CommitToRun } from './plan-commit.ts'

/**
 * Turns each ref that a push moved into one run of each project that it touches, or into none where `on:` says so.
 * The rows of the runs and the mark that the update is handled are one transaction: however often the server
 * dies, a push is one run of a project.
 */
export async function runPushes(installation: Installation, signal: AbortSignal): Promise<void> {
  const bell = commitBell(installation.database)
  /** Until when what could not be planned is left alone: it holds up nobody else's. */
  const resting = new Map<string, number>()
  try {
    while (!signal.aborted) {
      const updates = await unhandledUpdates(installation.database.read)
      const due = updates.filter((update) => (resting.get(nameOf(update)) ?? 0) <= performance.now())
      for (const update of due) {
        if (await handleUpdate(installation, update)) resting.delete(nameOf(update))
        else resting.set(nameOf(update), performance.now() + AGAIN_MS)
      }
      if (due.length === 0) await bell.wait(AGAIN_MS, signal)
    }
  } finally {
    bell.stop()
  }
}

const AGAIN_MS = 1_000

function nameOf({ pushId, ref }: UnhandledUpdate): string {
  return `${pushId} ${ref}`
}

/** What the run of a project is known by that an update of a ref made. */
export function keyOfPushedRun(pushId: string, ref: string, project: string): string {
  return `push:${pushId}:${ref}:${project}`
}

/** Answers whether it could be planned. */
async function handleUpdate(installation: Installation, update: UnhandledUpdate): Promise<boolean> {
  try {
    const runs = await planUpdate(installation, update)
    await reach('push planned', update.pushId)
    await installation.database.write(async (writer) => {
      if (!(await markHandled(writer, update.pushId, update.ref))) return
      for (const run of runs) await installation.engine.createRun(writer, run)
    })
    return true
  } catch (error) {
    installation.log.error(
      { push: update.pushId, ref: update.ref, error: String(error) },
      'a push could not be planned, will be tried again',
    )
    return false
  }
}

async function planUpdate(installation: Installation, update: UnhandledUpdate): Promise<NewRun[]> {
  if (!/^refs\/(heads|tags)\//.test(update.ref)) return []
  const projects = await projectsIn(installation.database.read, update.repository)
  const repository = repositoryFolder(installation.dataFolder, update)
  if (projects.length === 0 || !(await standsForCommit(repository, update.newCommit))) return []
  const runs: NewRun[] = []
  for (const touched of await touchedProjects({ repository }, projects, update)) {
    const run = await planTouched(installation, update, touched)
    if (run !== undefined) runs.push(run)
  }
  return runs
}

async function planTouched(
  installation: Installation,
  update: UnhandledUpdate,
  { project, changed }: TouchedProject,
): Promise<NewRun | undefined> {
  return planCommit(installation, {
    project: project.name,
    ...(await placeOfUpdate(installation, update, project)),
    event: 'push',
    person: update.person,
    dedupeKey: keyOfPushedRun(update.pushId, update.ref, project.name),
    ...(changed === undefined ? {} : { changed }),
  })
}

/** Where a tag stood before is no change that anybody made to a branch: its run is told nothing of it. */
async function placeOfUpdate(
  { dataFolder }: Installation,
  { ref, repository, newCommit, oldCommit }: UnhandledUpdate,
  project: Project,
): Promise<Pick<CommitToRun, 'commit' | 'branch' | 'tag' | 'before'>> {
  if (ref.startsWith('refs/heads/'))
    return { commit: newCommit, branch: ref.slice('refs/heads/'.length), before: oldCommit }
  const folder = repositoryFolder(dataFolder, { repository })
  // What git names is the tag itself where somebody wrote a message into it.
  const commit = (await resolveRef(folder, newCommit)) ?? newCommit
  return { commit, branch: await branchOfCommit(folder, project, commit), tag: ref.slice('refs/tags/'.length) }
}
