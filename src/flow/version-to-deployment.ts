import type { AppEvent } from '../core/events.ts'
import { DEPLOYMENT_TRANSITIONS, type DeploymentState } from '../core/deployment-state.ts'
import { isAppError } from '../core/errors.ts'
import { isFinal } from '../core/transitions.ts'
import type { RunRow } from '../db/tables.ts'
import { createDeployment, recordRefusal, type NewDeployment } from '../delivery/create-deployment.ts'
import { deploymentsOfRun, lastOfBundle, liveDeployment } from '../delivery/deployments.sql.ts'
import { getRun } from '../engine/runs.sql.ts'
import { findProject } from '../source/projects.ts'
import { versionOfRun } from './version-of-run.ts'
import type { Installation } from './installation.ts'
import { rulesOfRun } from './run-rules.ts'

/**
 * A registered version goes to the first environment; one that is live goes on to the next. Called at least
 * once for each event: an environment that this run was sent to already is left alone, and so is one that the
 * same bundle serves or is on its way to.
 */
export async function deliverOnward(installation: Installation, event: AppEvent): Promise<void> {
  const next = nextOf(event)
  if (next === undefined) return
  const run = await getRun(installation.database.read, next.runId)
  // One that was removed meanwhile delivers nothing any more.
  if (run === undefined || (await findProject(installation.database.read, run.project)) === undefined) return
  await deliverTo(installation, run, next.after)
}

/** `after`: the environment it has just come through; undefined for none yet. */
function nextOf(event: AppEvent): { runId: string; after: string | undefined } | undefined {
  const { run, environment, state } = event.data as { run?: string; environment?: string; state?: string }
  if (run === undefined) return undefined
  if (event.kind === 'version.registered') return { runId: run, after: undefined }
  if (event.kind === 'deployment.moved' && state === 'live') return { runId: run, after: environment }
  return undefined
}

async function deliverTo(installation: Installation, run: RunRow, after: string | undefined): Promise<void> {
  const rules = rulesOfRun(run)
  const version = await versionOfRun(installation.database.read, run)
  if (rules === undefined || version === undefined) return
  const position = after === undefined ? 0 : rules.environments.findIndex(({ name }) => name === after) + 1
  const environment = rules.environments[position]
  if (environment === undefined) return
  const sent = await deploymentsOfRun(installation.database.read, run.id)
  if (sent.some((deployment) => deployment.environment === environment.name)) return
  const { read } = installation.database
  const live = await liveDeployment(read, run.project, environment.name)
  if (live?.bundle === version.bundle) return deliverTo(installation, run, environment.name)
  // On its way there, or refused by people: who was asked about this digest is not asked again.
  const { bundle } = version
  const last = await lastOfBundle(read, { project: run.project, environment: environment.name, bundle })
  if (
    last !== undefined &&
    (last.state === 'rejected' || !isFinal<DeploymentState>(DEPLOYMENT_TRANSITIONS, last.state))
  )
    return
  await send(installation, {
    project: run.project,
    environment,
    position,
    model: version.model,
    version: version.version,
    bundle,
    runId: run.id,
    requestedBy: run.person,
    authors: JSON.parse(run.authors) as string[],
  })
}

async function send({ database, log }: Installation, wanted: NewDeployment): Promise<void> {
  try {
    await database.write((writer) => createDeployment(writer, database.kind, wanted))
  } catch (error) {
    if (!isAppError(error, 'DIGEST_REFUSED')) throw error
    await database.write((writer) => recordRefusal(writer, database.kind, wanted, error.message))
    log.info({ run: wanted.runId, environment: wanted.environment.name, why: error.message }, 'delivery stopped')
  }
}
