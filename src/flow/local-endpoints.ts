import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { removeFolder } from '../lib/remove-folder.ts'
import type { GatewayControl } from '../serving/gateway-process.ts'
import type { RouteKeeper } from './deployment-to-traffic.ts'
import type { Installation } from './installation.ts'

type Needs = Pick<Installation, 'database' | 'dataFolder' | 'artifacts' | 'log'>

/** Routes over a gateway that is started for the first step that wants one, and stopped at the end. */
export interface LocalEndpoints extends AsyncDisposable {
  readonly routes: Pick<RouteKeeper, 'openPrivate' | 'closePrivate'>
}

/** `dataFolder` is the run's own: the gateway lives below it. */
export function openLocalEndpoints(needs: Needs): LocalEndpoints {
  const folder = join(needs.dataFolder, 'gateway')
  let opened: Promise<{ gateway: GatewayControl; routes: RouteKeeper }> | undefined

  async function open() {
    const { startGateway } = await import('../serving/gateway-process.ts')
    const { createRouteKeeper } = await import('./deployment-to-traffic.ts')
    const gateway = await startGateway({ folder, host: '127.0.0.1', port: 0 })
    return { gateway, routes: createRouteKeeper({ ...needs, gateway }) }
  }

  const started = () => (opened ??= open())
  return {
    routes: {
      openPrivate: async (wanted, signal) => (await started()).routes.openPrivate(wanted, signal),
      async closePrivate(id) {
        if (opened !== undefined) await (await opened).routes.closePrivate(id)
      },
    },
    async [Symbol.asyncDispose]() {
      // Also the gateway of a run that was killed before it could stop it: it is adopted, then stopped.
      if (opened === undefined && !existsSync(join(folder, 'gateway.json'))) return
      await (await started()).gateway.stop()
      await removeFolder(folder)
      await removeFolder(join(needs.dataFolder, 'bundles'))
    },
  }
}
