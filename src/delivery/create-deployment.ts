import { AppError } from '../core/errors.ts'
import { shortDigest } from '../core/digest.ts'
import { appendEvents, lockEvents } from '../db/outbox.ts'
import type { Database, Writer } from '../db/open-database.ts'
import type { DeploymentRow } from '../db/tables.ts'
import { uuidv7 } from '../lib/uuidv7.ts'
import type { EnvironmentSpec } from '../pipeline/pipeline.ts'
import { voidSession } from './acceptance/session-rules.ts'
import { insertDeployment, liveDeployment, refusedBundle, waitingIn } from './deployments.sql.ts'
import { tryMoveDeployment } from './move-deployment.ts'

export interface NewDeployment {
  readonly project: string
  readonly environment: EnvironmentSpec
  readonly position: number
  readonly model: string
  readonly version: number
  readonly bundle: string
  readonly runId: string
  readonly requestedBy: string
  /** People who committed, pushed or started the change. */
  readonly authors: readonly string[]
}

/**
 * Queues a version for an environment, in the caller's transaction. It takes the place of older ones that
 * still wait for people or for their turn. A bundle that was rolled back here is refused until a person
 * clears it.
 */
export async function createDeployment(
  writer: Writer,
  kind: Database['kind'],
  wanted: NewDeployment,
): Promise<DeploymentRow> {
  await lockEvents(writer, kind)
  await refuseRolledBack(writer, wanted)
  for (const older of await waitingIn(writer, wanted.project, wanted.environment.name)) {
    const reason = `version ${wanted.version} came after it`
    const set = { ended_at: Date.now(), weight: 0 }
    const moved = await tryMoveDeployment(writer, kind, older, { event: 'supersede', reason, set })
    if (moved !== undefined) await voidSession(writer, kind, older, reason)
  }
  const champion = await liveDeployment(writer, wanted.project, wanted.environment.name)
  const row = newRow(wanted, champion)
  await insertDeployment(writer, row)
  const data = { deployment: row.id, environment: row.environment, version: row.version, run: row.run_id }
  await appendEvents(writer, kind, [
    { kind: 'deployment.created', project: row.project, subject: `${row.project}/${row.environment}`, data },
  ])
  return row
}

/** A delivery that was refused before it began, kept as a row so that people see where it ended and why. */
export async function recordRefusal(
  writer: Writer,
  kind: Database['kind'],
  wanted: NewDeployment,
  reason: string,
): Promise<void> {
  await lockEvents(writer, kind)
  const champion = await liveDeployment(writer, wanted.project, wanted.environment.name)
  const row = { ...newRow(wanted, champion), state: 'rejected', reason, ended_at: Date.now() } as const
  await insertDeployment(writer, row)
  const { id, environment, version, state, run_id: run } = row
  await appendEvents(writer, kind, [
    {
      kind: 'deployment.moved',
      project: row.project,
      subject: `${row.project}/${environment}`,
      data: { deployment: id, environment, version, state, reason, weight: 0, run, by: 'tidegate' },
    },
  ])
}

async function refuseRolledBack(writer: Writer, wanted: NewDeployment): Promise<void> {
  const { project, environment, bundle, version } = wanted
  const refused = await refusedBundle(writer, project, environment.name, bundle)
  if (refused === undefined) return
  throw new AppError(
    'DIGEST_REFUSED',
    `Version ${version} (${shortDigest(bundle)}) was rolled back in ${environment.name}: ${refused.reason}. A maintainer can clear it with \`tidegate clear ${project} ${environment.name} ${version} --reason …\`.`,
    { bundle },
  )
}

function newRow(wanted: NewDeployment, champion: DeploymentRow | undefined): DeploymentRow {
  const now = Date.now()
  return {
    id: uuidv7(),
    project: wanted.project,
    environment: wanted.environment.name,
    position: wanted.position,
    model: wanted.model,
    version: wanted.version,
    bundle: wanted.bundle,
    state: 'queued',
    reason: null,
    rules: JSON.stringify(wanted.environment),
    champion: champion?.version ?? null,
    run_id: wanted.runId,
    requested_by: wanted.requestedBy,
    authors: JSON.stringify(wanted.authors),
    phase: -1,
    weight: 0,
    phase_started_at: null,
    epoch: '',
    created_at: now,
    approved_at: null,
    live_at: null,
    ended_at: null,
  }
}
