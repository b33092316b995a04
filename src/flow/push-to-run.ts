import { reach } from '../core/points.ts'
import { commitBell } from '../db/outbox.ts'
import { changedByUpdate, isChangedBelow } from '../source/changed-by-update.ts'
import { getProject } from '../source/projects.ts'
import { markHandled, unhandledUpdates, type UnhandledUpdate } from '../source/pushes.ts'
import { repositoryFolder } from '../source/repositories.ts'
import type { Installation } from './installation.ts'
import { planCommit } from './plan-commit.ts'

/**
 * Turns each ref that a push moved into one run, or into none where `on:` says so. The run's row and the
 * mark that the update is handled are one transaction: however often the server dies, a push is one run.
 */
export async function runPushes(installation: Installation, signal: AbortSignal): Promise<void> {
  const bell = commitBell(installation.database)
  try {
    while (!signal.aborted) {
      const updates = await unhandledUpdates(installation.database.read)
      for (const update of updates) await handleUpdate(installation, update)
      if (updates.length === 0) await bell.wait(1_000, signal)
    }
  } finally {
    bell.stop()
  }
}

async function handleUpdate(installation: Installation, update: UnhandledUpdate): Promise<void> {
  try {
    const run = await planUpdate(installation, update)
    await reach('push planned', update.pushId)
    await installation.database.write(async (writer) => {
      if (!(await markHandled(writer, update.pushId, update.ref)) || run === undefined) return
      await installation.engine.createRun(writer, run)
    })
  } catch (error) {
    installation.log.error(
      { push: update.pushId, ref: update.ref, error: String(error) },
      'a push could not be planned, will be tried again',
    )
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

async function planUpdate(installation: Installation, update: UnhandledUpdate) {
  const project = await getProject(installation.database.read, update.repository)
  const tag = update.ref.startsWith('refs/tags/') ? update.ref.slice('refs/tags/'.length) : undefined
  const branch = update.ref.startsWith('refs/heads/') ? update.ref.slice('refs/heads/'.length) : undefined
  if (tag === undefined && branch === undefined) return undefined
  const repository = repositoryFolder(installation.dataFolder, project)
  const changed = await changedByUpdate({ repository, defaultBranch: project.defaultBranch }, update)
  // A change elsewhere in the repository is none of this project.
  if (!isChangedBelow(changed, project.path)) return undefined
  return planCommit(installation, {
    project: project.name,
    commit: update.newCommit,
    branch: branch ?? project.defaultBranch,
    ...(tag === undefined ? {} : { tag }),
    event: 'push',
    person: update.person,
    dedupeKey: `push:${update.pushId}:${update.ref}`,
    before: update.oldCommit,
    ...(changed === undefined ? {} : { changed }),
  })
}
