import type { Digest } from './digest.ts'
import type { BundleManifest } from './bundle.ts'

/**
 * Everything the gateway needs to answer, as one immutable value: written to `<data>/gateway/routes.json`
 * (by rename) by the server, read by the gateway at its start and whenever the server posts it to the
 * gateway's control socket. Served as it was for as long as the server is away. `revision` only grows.
 */
export interface RouteTable {
  readonly revision: number
  /** Model hosts that must run: those that arms name, and warm ones nobody is routed to (the last champion). */
  readonly hosts: readonly HostSpec[]
  readonly routes: readonly Route[]
}

/** One process that has one bundle loaded. Two routes that serve the same bundle share it, unless `id` differs. */
export interface HostSpec {
  readonly id: string
  readonly bundle: Digest
  readonly manifest: BundleManifest
  /** The bundle's files, restored and read-only. */
  readonly folder: string
  readonly memoryBytes: number
  /** Environment for `predict` and `serve`: PATH with the build environment in front, nothing of the server's. */
  readonly env: Readonly<Record<string, string>>
}

/** Answers `/{project}/{environment}/v2/models/{model}/…`. */
export interface Route {
  readonly project: string
  /** A delivery environment, or `candidate-<id>` for a run's private endpoint. */
  readonly environment: string
  readonly model: string
  /** sha256 of the bearer token this route asks for; absent: open (loopback only). */
  readonly tokenSha256?: string
  /** Weights in 0..1 that add up to 1; one or two arms. */
  readonly arms: readonly Arm[]
  /** Changes when a rollout phase begins: counters are kept per epoch. */
  readonly epoch: string
  /** `header:<name>` or `request`: what is hashed, with `salt`, to choose an arm. Growing weights move nobody back. */
  readonly routeBy: string
  readonly salt: string
  readonly log?: { readonly inputs: 'all' | 'none'; readonly drop: readonly string[]; readonly sample: number }
}

export interface Arm {
  readonly arm: 'champion' | 'challenger'
  readonly host: string
  readonly version: string
  readonly weight: number
}

/** What the gateway says of itself on its control socket (`GET /status`). */
export interface GatewayStatus {
  readonly revision: number
  readonly pid: number
  readonly hosts: readonly HostStatus[]
  readonly counters: readonly ArmCounters[]
}

export interface HostStatus {
  readonly id: string
  readonly state: 'starting' | 'ready' | 'failed'
  readonly reason?: string
  readonly pid?: number
  readonly restarts: number
}

/** Since the epoch began. `errors` are ours or the model's, never the client's. */
export interface ArmCounters {
  readonly project: string
  readonly environment: string
  readonly epoch: string
  readonly arm: 'champion' | 'challenger'
  readonly version: string
  readonly requests: number
  readonly errors: number
  readonly inFlight: number
  /** Upper bounds in milliseconds and counts, as `LATENCY_BUCKETS_MS`. */
  readonly latency: readonly number[]
  /** The last error's text. */
  readonly lastError?: string
}

export const LATENCY_BUCKETS_MS = [
  1,
  2,
  3,
  5,
  7,
  10,
  15,
  20,
  30,
  50,
  75,
  100,
  150,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
  Number.MAX_VALUE,
] as const

/** A logged prediction: one line of NDJSON in a closed spool file, one row per input row once in Parquet. */
export interface PredictionRecord {
  readonly id: string
  readonly at: number
  readonly project: string
  readonly environment: string
  readonly model: string
  readonly version: string
  readonly arm: 'champion' | 'challenger'
  readonly weight: number
  readonly status: number
  readonly latencyMs: number
  readonly rows: number
  /** Tensor name → flat values, row-major; absent where `log.inputs` is `none`. */
  readonly inputs?: Readonly<Record<string, readonly unknown[]>>
  readonly outputs?: Readonly<Record<string, readonly unknown[]>>
  readonly error?: string
}
