import { AppError } from '../core/errors.ts'
import { reach } from '../core/points.ts'
import type { GatewayStatus, HostSpec, HostStatus, RouteTable } from '../core/route-table.ts'
import type { TaskArtifacts } from '../core/task.ts'
import type { Database } from '../db/open-database.ts'
import type { GatewayControl } from '../serving/gateway-process.ts'
import { describeHost, hostSpec } from './bundle-folders.ts'
import { hostEnvironmentOfRun } from './environment-of-run.ts'
import { hostIdOf, privateRoute, PrivateEndpoints, type PrivateEndpoint } from './private-endpoints.ts'
import { onHosts, wantedTraffic, type WantedHost } from './route-table.ts'
import { coalesce } from '../lib/coalesce.ts'

/** Keeps the gateway's table equal to what rows and private endpoints say. */
export interface RouteKeeper {
  /** Resolves when a table at least as new as the rows of now is in force. */
  apply(): Promise<void>
  /** Resolves when the endpoint answers. */
  openPrivate(wanted: Omit<PrivateEndpoint, 'token'>, signal?: AbortSignal): Promise<{ url: string; token: string }>
  closePrivate(id: string): Promise<void>
  /** The gateway's, and with it hosts that the gateway was never given: their files could not be put in place. */
  status(): Promise<GatewayStatus>
}

export interface RouteKeeperOptions {
  readonly database: Database
  readonly dataFolder: string
  readonly artifacts: TaskArtifacts
  readonly gateway: GatewayControl
  readonly log?: { error(facts: object, event: string): void }
}

/** A private host must be up within this, or its step fails with the reason. */
const PRIVATE_READY_MS = 60_000

export function createRouteKeeper(options: RouteKeeperOptions): RouteKeeper {
  const endpoints = new PrivateEndpoints(options.dataFolder)
  let unplaced: readonly HostStatus[] = []
  const apply = coalesce(async () => {
    unplaced = await post(options, endpoints)
  })
  const status = async () => {
    const known = await options.gateway.status()
    return { ...known, hosts: [...known.hosts, ...unplaced] }
  }
  return {
    apply,
    status,
    async openPrivate(wanted, signal) {
      const endpoint = await endpoints.open(wanted)
      await apply()
      const failed = unplaced.find(({ id }) => id === hostIdOf(endpoint))
      if (failed !== undefined) throw new AppError('NOT_READY', failed.reason ?? `${failed.id} has no files`)
      await options.gateway.untilReady([hostIdOf(endpoint)], PRIVATE_READY_MS, signal)
      const url = `${options.gateway.address}/${endpoint.project}/${endpoint.id}/v2/models/${endpoint.model}`
      return { url, token: endpoint.token }
    },
    async closePrivate(id) {
      if (await endpoints.close(id)) await apply()
    },
  }
}

/**
 * Posts a table of everything whose files are there, and answers the hosts whose files are not: one bundle
 * that cannot be restored must not keep every other environment from moving, least of all from going back,
 * and a host that runs goes on without its files.
 */
async function post(options: RouteKeeperOptions, endpoints: PrivateEndpoints): Promise<HostStatus[]> {
  const { routes, hosts } = await wantedTraffic(options.database.read)
  const own = await endpoints.list()
  const wanted = [...hosts, ...own.filter(({ host }) => host === undefined).map(asHost)]
  const specs: HostSpec[] = []
  const unplaced: HostStatus[] = []
  for (const one of wanted) {
    const host = { ...one, env: await hostEnvironmentOfRun(options.database.read, one.manifest, one.runId) }
    try {
      specs.push(await hostSpec(options.artifacts, options.dataFolder, host))
    } catch (error) {
      if (await isRunning(options, host.id)) {
        specs.push(describeHost(options.dataFolder, host))
        continue
      }
      const reason = `its files cannot be put in place: ${(error as Error).message}`
      options.log?.error({ host: host.id, bundle: host.bundle, reason }, 'model host left out')
      unplaced.push({ id: host.id, state: 'failed', reason, restarts: 0 })
    }
  }
  const table: RouteTable = {
    revision: nextRevision(),
    hosts: specs,
    routes: onHosts([...routes, ...own.map(privateRoute)], new Set(specs.map(({ id }) => id))),
  }
  await reach('routes wanted', String(table.revision))
  await options.gateway.postRoutes(table)
  return unplaced
}

async function isRunning({ gateway }: RouteKeeperOptions, id: string): Promise<boolean> {
  return (await gateway.status()).hosts.some((host) => host.id === id && host.state === 'ready')
}

function asHost(endpoint: PrivateEndpoint): WantedHost {
  const { bundle, manifest, runId, memoryBytes } = endpoint
  const host = { id: hostIdOf(endpoint), bundle, manifest, runId }
  return memoryBytes === undefined ? host : { ...host, memoryBytes }
}

let last = 0

/** Grows over restarts too: a table posted by a server that is gone must look older. */
function nextRevision(): number {
  last = Math.max(last + 1, Date.now())
  return last
}
