import type { Reader } from '../db/open-database.ts'
import type { DeploymentRow, RunRow } from '../db/tables.ts'
import { liveDeployment } from '../delivery/deployments.sql.ts'
import { getRun } from '../engine/runs.sql.ts'
import { findVersionByBundle, type ModelVersion } from '../registry/versions.sql.ts'
import { rulesOfRun } from './run-rules.ts'

/** The digest of what a deployment's version is compared with: the champion of its run's pipeline. */
export async function championBundle(reader: Reader, deployment: DeploymentRow): Promise<string | null> {
  const run = await getRun(reader, deployment.run_id)
  const champion = run === undefined ? undefined : await championOf(reader, run)
  return champion?.deployment.bundle ?? null
}

/** What serves the last environment now: what a candidate is compared with. */
export async function championOf(
  reader: Reader,
  run: RunRow,
): Promise<{ deployment: DeploymentRow; version: ModelVersion } | undefined> {
  const last = rulesOfRun(run)?.environments.at(-1)
  const deployment = last === undefined ? undefined : await liveDeployment(reader, run.project, last.name)
  if (deployment === undefined) return undefined
  const version = await findVersionByBundle(reader, run.project, deployment.bundle)
  return version === undefined ? undefined : { deployment, version }
}
