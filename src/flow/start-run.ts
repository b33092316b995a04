import { AppError } from '../core/errors.ts'
import type { RunRow } from '../db/tables.ts'
import { uuidv7 } from '../lib/uuidv7.ts'
import { getProject } from '../source/projects.ts'
import { repositoryFolder } from '../source/repositories.ts'
import type { Installation } from './installation.ts'
import { placeOfRef } from './place-of-ref.ts'
import { planCommit } from './plan-commit.ts'

export interface StartRequest {
  readonly project: string
  /** A branch, tag or commit; absent: the default branch. */
  readonly ref?: string | undefined
  readonly person: string
  readonly refreshData: boolean
}

/** A run that a person asks for. */
export async function startRun(installation: Installation, request: StartRequest): Promise<RunRow> {
  return createRunOf(installation, { ...request, event: 'manual', dedupeKey: `manual:${uuidv7()}` })
}

/** A retraining run: the default branch with its datasets frozen anew. One for each alert. */
export async function startRetraining(installation: Installation, project: string, alertId: string): Promise<RunRow> {
  return createRunOf(installation, {
    project,
    person: 'tidegate',
    refreshData: true,
    event: 'alert',
    alertId,
    dedupeKey: `alert:${alertId}`,
  })
}

async function createRunOf(
  installation: Installation,
  wanted: StartRequest & { event: 'manual' | 'alert'; dedupeKey: string; alertId?: string },
): Promise<RunRow> {
  const project = await getProject(installation.database.read, wanted.project)
  const ref = wanted.ref ?? project.defaultBranch
  const place = await placeOfRef(repositoryFolder(installation.dataFolder, project), project, ref)
  if (place === undefined)
    throw new AppError('NOT_FOUND', `${wanted.project} has no branch, tag or commit "${ref}". Push one first.`)
  const run = await planCommit(installation, { ...wanted, ...place })
  if (run === undefined) throw new AppError('INVALID_INPUT', `The pipeline of ${ref} starts nothing.`)
  const { run: row } = await installation.database.write((writer) => installation.engine.createRun(writer, run))
  return row
}
