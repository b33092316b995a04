import { AppError } from '../core/errors.ts'
import type { DeploymentRow } from '../db/tables.ts'
import { createDeployment } from '../delivery/create-deployment.ts'
import { liveDeployment } from '../delivery/deployments.sql.ts'
import { getRun } from '../engine/runs.sql.ts'
import { findVersionByNumber } from '../registry/versions.sql.ts'
import type { Installation } from './installation.ts'
import { rulesOfRun } from './run-rules.ts'

/** A person sends a registered version to an environment, under the rules its run was delivered under. */
export async function deployByHand(
  { database }: Installation,
  wanted: { project: string; version: number; environment: string; by: string },
): Promise<DeploymentRow> {
  const version = await findVersionByNumber(database.read, wanted.project, wanted.version)
  const run = version === undefined ? undefined : await getRun(database.read, version.runId)
  if (version === undefined || run === undefined)
    throw new AppError('NOT_FOUND', `${wanted.project} has no version ${wanted.version}.`)
  const environments = rulesOfRun(run)?.environments ?? []
  const position = environments.findIndex(({ name }) => name === wanted.environment)
  const environment = environments[position]
  if (environment === undefined) {
    const known = environments.map(({ name }) => name).join(', ')
    throw new AppError(
      'NOT_FOUND',
      `The pipeline of ${run.id} has no environment "${wanted.environment}"${known === '' ? '' : `; it has ${known}`}.`,
    )
  }
  const live = await liveDeployment(database.read, wanted.project, wanted.environment)
  if (live?.bundle === version.bundle)
    throw new AppError('STATE_CONFLICT', `Version ${wanted.version} serves ${wanted.environment} already.`)
  const authors = [...new Set([...(JSON.parse(run.authors) as string[]), wanted.by])]
  return database.write((writer) =>
    createDeployment(writer, database.kind, {
      project: wanted.project,
      environment,
      position,
      model: version.model,
      version: version.version,
      bundle: version.bundle,
      runId: run.id,
      requestedBy: wanted.by,
      authors,
    }),
  )
}
