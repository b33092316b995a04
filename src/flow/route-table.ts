import type { BundleManifest } from '../core/bundle.ts'
import type { Digest } from '../core/digest.ts'
import type { Arm, Route } from '../core/route-table.ts'
import type { Reader } from '../db/open-database.ts'
import type { DeploymentRow } from '../db/tables.ts'
import { rulesOf } from '../delivery/rules-of.ts'
import { previousDeployment, unfinishedDeployments } from '../delivery/deployments.sql.ts'
import { findVersionByBundle } from '../registry/versions.sql.ts'

/** A model host that must run, before its files are put in place. */
export interface WantedHost {
  readonly id: string
  readonly bundle: Digest
  readonly manifest: BundleManifest
  /** That made the bundle: its build environment is the host's. */
  readonly runId: string
  readonly memoryBytes?: number
}

/** Staging's trouble is not production's: each environment has its own host, even for the same bundle. */
export function hostIdOfDeployment(deployment: Pick<DeploymentRow, 'project' | 'environment' | 'bundle'>): string {
  return `${deployment.project}/${deployment.environment}/${deployment.bundle.replace('sha256:', '').slice(0, 16)}`
}

const CHALLENGING = new Set(['rolling-out', 'held', 'awaiting-acceptance'])
const HOSTED = new Set([...CHALLENGING, 'starting', 'live', 'rolling-back'])

/**
 * What the rows say must be served: for each environment its live version and, while one rolls out, the
 * challenger with its weight; hosts also for what is about to serve and for the version before, which stays
 * warm so that going back is a pointer.
 */
export async function wantedTraffic(reader: Reader): Promise<{ routes: Route[]; hosts: WantedHost[] }> {
  const groups = new Map<string, DeploymentRow[]>()
  for (const row of await unfinishedDeployments(reader)) {
    if (!HOSTED.has(row.state)) continue
    const key = `${row.project}/${row.environment}`
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  const routes: Route[] = []
  const hosts = new Map<string, WantedHost>()
  for (const rows of groups.values()) {
    const route = routeOf(rows)
    if (route !== undefined) routes.push(route)
    for (const row of await withPrevious(reader, rows)) {
      const host = await hostOf(reader, row)
      if (host !== undefined) hosts.set(host.id, host)
    }
  }
  return { routes, hosts: [...hosts.values()] }
}

/**
 * Routes to hosts that are there: a table with a route to another one is refused as a whole. The arm that is
 * left takes all requests; a route without arms is none.
 */
export function onHosts(routes: readonly Route[], hosts: ReadonlySet<string>): Route[] {
  return routes.flatMap((route) => {
    const arms = route.arms.filter((arm) => hosts.has(arm.host))
    if (arms.length === 0) return []
    const [only] = arms
    return [{ ...route, arms: arms.length === 1 && only !== undefined ? [{ ...only, weight: 1 }] : arms }]
  })
}

async function withPrevious(reader: Reader, rows: readonly DeploymentRow[]): Promise<DeploymentRow[]> {
  const live = rows.find(({ state }) => state === 'live')
  const previous = live === undefined ? undefined : await previousDeployment(reader, live)
  return previous === undefined ? [...rows] : [...rows, previous]
}

async function hostOf(reader: Reader, row: DeploymentRow): Promise<WantedHost | undefined> {
  const version = await findVersionByBundle(reader, row.project, row.bundle)
  if (version === undefined) return undefined
  return {
    id: hostIdOfDeployment(row),
    bundle: row.bundle as Digest,
    manifest: version.manifest,
    runId: version.runId,
    memoryBytes: rulesOf(row).resources.memoryBytes,
  }
}

function routeOf(rows: readonly DeploymentRow[]): Route | undefined {
  const live = rows
    .filter((row) => row.state === 'live')
    .sort((a, b) => (b.live_at ?? 0) - (a.live_at ?? 0) || (a.id < b.id ? 1 : -1))[0]
  const challenger = rows.findLast((row) => CHALLENGING.has(row.state) && row.weight > 0)
  const shown = challenger ?? live
  if (shown === undefined) return undefined
  const rules = rulesOf(shown)
  return {
    project: shown.project,
    environment: shown.environment,
    model: shown.model,
    arms: armsOf(live, challenger),
    epoch: shown.epoch,
    routeBy: rules.routeBy,
    salt: challenger?.id ?? shown.id,
    log: { inputs: rules.log.inputs, drop: rules.log.drop, sample: rules.log.sample },
  }
}

function armsOf(live: DeploymentRow | undefined, challenger: DeploymentRow | undefined): Arm[] {
  const arm = (name: Arm['arm'], row: DeploymentRow, weight: number): Arm => ({
    arm: name,
    host: hostIdOfDeployment(row),
    version: String(row.version),
    weight,
  })
  if (challenger === undefined) return live === undefined ? [] : [arm('champion', live, 1)]
  if (live === undefined) return [arm('challenger', challenger, 1)]
  if (challenger.weight >= 1) return [arm('challenger', challenger, 1)]
  return [arm('champion', live, 1 - challenger.weight), arm('challenger', challenger, challenger.weight)]
}
