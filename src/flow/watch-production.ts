import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundleManifest } from '../core/bundle.ts'
import type { DeploymentRow } from '../db/tables.ts'
import { rulesOf } from '../delivery/rules-of.ts'
import { unfinishedDeployments } from '../delivery/deployments.sql.ts'
import type { Analytics } from '../lib/open-analytics.ts'
import { labelsSince } from '../monitoring/labels.sql.ts'
import { lookAtMonitor } from '../monitoring/look-at-monitor.ts'
import { profileReference } from '../monitoring/profile-reference.ts'
import { recordFinding, resolveReplaced } from '../monitoring/record-finding.ts'
import type { ReferenceProfile } from '../monitoring/reference-profile.ts'
import { lastWindowEnd } from '../monitoring/windows.sql.ts'
import type { MonitorSpec } from '../pipeline/pipeline.ts'
import { findVersionByBundle, findVersionByNumber } from '../registry/versions.sql.ts'
import { rollSpools } from '../serving/prediction-log/roll-spools.ts'
import { limit } from '../core/limits.ts'
import type { Installation } from './installation.ts'
import { predictionFolder } from './traffic.ts'

const LOOK_MS = 500
const SWEEP_MS = 3_600_000

/** Windows of one monitor in one pass: a backlog must not keep the others waiting. */
const MOST_LOOKS = 20

/** A prediction is in the log this long after it was answered: its spool is closed and rolled by then. */
const LOG_DELAY_MS = limit('gatewaySpoolMs') + 2 * LOOK_MS

/**
 * Stage 8 at work, until `signal` aborts: logged predictions become Parquet, each live version's monitors
 * look whenever a window is complete. What fires is in the outbox, and acted upon from there.
 */
export async function watchProduction(
  installation: Installation,
  analytics: Analytics,
  signal: AbortSignal,
): Promise<void> {
  const references = new Map<string, ReferenceProfile | undefined>()
  let sweptAt = -Infinity
  while (!signal.aborted) {
    await logged(installation, {}, () => rollPredictions(installation))
    if (performance.now() - sweptAt > SWEEP_MS) {
      sweptAt = performance.now()
      await logged(installation, {}, () => dropOldPredictions(installation))
    }
    await logged(installation, {}, async () => {
      for (const deployment of await unfinishedDeployments(installation.database.read)) {
        if (deployment.state !== 'live') continue
        const { project, environment } = deployment
        await logged(installation, { project, environment }, () =>
          watchDeployment(installation, analytics, deployment, references),
        )
      }
    })
    await pause(LOOK_MS, signal)
  }
}

/** What fails for one environment is tried again in the next pass, and keeps no other from being watched. */
async function logged({ log }: Installation, facts: object, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.error({ ...facts, error: String(error) }, 'monitoring failed, will be tried again')
  }
}

async function rollPredictions({ database, dataFolder }: Installation): Promise<void> {
  await rollSpools({
    spoolFolder: join(dataFolder, 'gateway', 'spool'),
    predictionsFolder: join(dataFolder, 'predictions'),
    async signatureOf(project, _environment, version) {
      return (await findVersionByNumber(database.read, project, Number(version)))?.manifest.signature
    },
  })
}

/** Files of the prediction log older than `log: { keep }` of what serves there. */
async function dropOldPredictions({ database, dataFolder, log }: Installation): Promise<void> {
  for (const deployment of await unfinishedDeployments(database.read)) {
    if (deployment.state !== 'live') continue
    const folder = predictionFolder(dataFolder, deployment.project, deployment.environment)
    const oldest = Date.now() - rulesOf(deployment).log.keepMs
    for (const name of await readdir(folder).catch(() => [])) {
      const file = join(folder, name)
      if (!name.endsWith('.parquet') || (await stat(file)).mtimeMs > oldest) continue
      await rm(file)
      log.info({ file }, 'logged predictions past their time removed')
    }
  }
}

async function watchDeployment(
  installation: Installation,
  analytics: Analytics,
  deployment: DeploymentRow,
  references: Map<string, ReferenceProfile | undefined>,
): Promise<void> {
  const { project, environment, version } = deployment
  const { monitors } = rulesOf(deployment)
  if (monitors.length === 0) return
  await resolveReplaced(installation.database, project, environment, version, Date.now())
  if (!references.has(deployment.bundle))
    references.set(deployment.bundle, await referenceOf(installation, analytics, deployment))
  const reference = references.get(deployment.bundle)
  for (const monitor of monitors) {
    let looks = 0
    while (looks < MOST_LOOKS && (await watch(installation, analytics, { deployment, monitor, reference }))) looks += 1
  }
}

interface Watched {
  readonly deployment: DeploymentRow
  readonly monitor: MonitorSpec
  readonly reference: ReferenceProfile | undefined
}

/** Looks at one window; false when none is complete. */
async function watch(
  installation: Installation,
  analytics: Analytics,
  { deployment, monitor, reference }: Watched,
): Promise<boolean> {
  const { database, dataFolder } = installation
  const { project, environment, version } = deployment
  const place = { project, environment, monitor: monitor.name, version }
  const look = await lookAtMonitor(monitor, {
    analytics,
    folder: predictionFolder(dataFolder, project, environment),
    version: String(version),
    since: (await lastWindowEnd(database.read, place)) ?? deployment.live_at ?? deployment.created_at,
    until: untilOf(deployment, monitor),
    reference,
    labels: (from) => labelsSince(database.read, { project, environment, since: from }),
  })
  if (look === undefined) return false
  await recordFinding(database, { place, kind: monitor.kind, forWindows: monitor.forWindows, ...look }, Date.now())
  return true
}

/** Predictions are complete after the log's delay; labels after the time within which they mature. */
function untilOf(deployment: DeploymentRow, monitor: MonitorSpec): number {
  const complete = Date.now() - LOG_DELAY_MS
  return monitor.kind === 'performance' ? complete - rulesOf(deployment).labels.maturesMs : complete
}

/** Undefined where the bundle names no reference: drift then has nothing to compare with, and says so. */
async function referenceOf(
  installation: Installation,
  analytics: Analytics,
  deployment: DeploymentRow,
): Promise<ReferenceProfile | undefined> {
  const version = await findVersionByBundle(installation.database.read, deployment.project, deployment.bundle)
  const manifest: BundleManifest | undefined = version?.manifest
  if (manifest?.reference === undefined) return undefined
  const { reference } = manifest
  const ending = reference.path.slice(reference.path.lastIndexOf('.'))
  const file = join(installation.dataFolder, 'references', reference.digest.replace('sha256:', '') + ending)
  await restoreOnce(installation, reference, file)
  return profileReference(analytics, { file, columns: Object.values(manifest.signature.columns).flat() })
}

async function restoreOnce(
  { artifacts }: Installation,
  reference: NonNullable<BundleManifest['reference']>,
  file: string,
): Promise<void> {
  if (existsSync(file)) return
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 })
  await artifacts.restore({ kind: 'file', digest: reference.digest, size: reference.size }, file)
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, ms))
}
