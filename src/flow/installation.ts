import type { TaskArtifacts } from '../core/task.ts'
import type { DatasetSettings } from '../core/dataset-settings.ts'
import type { Store } from '../core/ports/store.ts'
import type { Database } from '../db/open-database.ts'
import type { Engine } from '../engine/engine.ts'
import type { Keyring } from '../access/keyring.ts'
import type { GatewayControl } from '../serving/gateway-process.ts'
import type { RouteKeeper } from './deployment-to-traffic.ts'

/** The parts of a running server, as flows and routes use them. Made by `app.ts`. */
export interface Installation {
  readonly database: Database
  readonly dataFolder: string
  readonly store: Store
  readonly artifacts: TaskArtifacts
  readonly engine: Engine
  readonly gateway: GatewayControl
  readonly routes: RouteKeeper
  readonly secretsKeys: Keyring
  readonly datasets: DatasetSettings
  /** The server's own, with what `server.yaml` says of indexes and proxies; tasks get a part of it. */
  readonly environment: NodeJS.ProcessEnv
  /** For links; without a slash at its end. */
  readonly publicUrl: string
  readonly log: Log
  /** What `server.yaml` says of it; absent members: the limits. */
  readonly keep?: KeepLimits | undefined
}

export interface KeepLimits {
  readonly logMs?: number | undefined
  readonly logBytes?: number | undefined
  readonly cacheBytes?: number | undefined
  readonly testMs?: number | undefined
  readonly testRuns?: number | undefined
}

export interface Log {
  info(facts: object, event: string): void
  warn(facts: object, event: string): void
  error(facts: object, event: string): void
}
