import { setTimeout as sleep } from 'node:timers/promises'
import type { BundleManifest } from '../core/bundle.ts'
import { AppError, isAppError } from '../core/errors.ts'
import type { Tensor } from '../core/ports/runtime.ts'
import type { DuckDBConnection } from '../lib/open-analytics.ts'
import type { LatencyMeasures } from './evaluation-result.ts'
import { cutRows, fixedBatch, readTensors } from './row-tensors.ts'

/** A model behind the gateway, as `serving/` asks it: what a request is made of is worked out before its time is taken. */
export interface TimedEndpoint<Asked = unknown> {
  encode(inputs: readonly Tensor[]): Asked
  /** Rejects with UPSTREAM; with a `details.reason` where asking again is in vain. */
  ask(asked: Asked, signal: AbortSignal): Promise<void>
}

const WARM_UP_REQUESTS = 10
/** p99 of fewer would be the slowest of them. */
const FEWEST_REQUESTS = 100
const MOST_REQUESTS = 400
const BUDGET_MS = 5_000
/** Half of what the model could do one after another: requests of their own do not wait for one another, those after a stall do. */
const SHARE_OF_TIME = 0.5
const SHORTEST_INTERVAL_MS = 5
const KEPT_ROWS = 200
const KEPT_BYTES = 32 << 20

/**
 * Single rows, sent at a steady pace whether or not the ones before are answered. One after another would
 * leave out what users see most of: while a model stalls nothing is sent, and one slow request stands for all
 * that came meanwhile ("coordinated omission"). A request that waits for a connection is timed from when it was due.
 */
export async function measureLatency(
  endpoint: TimedEndpoint,
  requests: readonly unknown[],
  signal: AbortSignal,
): Promise<LatencyMeasures> {
  const request = (i: number): unknown => requests[i % requests.length]
  const alone: number[] = []
  for (let i = 0; i < WARM_UP_REQUESTS; i++) alone.push(await timed(endpoint, request(i), signal))
  const intervalMs = Math.max(SHORTEST_INTERVAL_MS, Math.round(percentile(alone, 0.5) / SHARE_OF_TIME))
  const count = Math.min(MOST_REQUESTS, Math.max(FEWEST_REQUESTS, Math.floor(BUDGET_MS / intervalMs)))
  const { times, tookMs } = await atPace({ endpoint, request, count, intervalMs }, signal)
  return {
    requests: count,
    warmUp: WARM_UP_REQUESTS,
    perSecond: (count * 1_000) / tookMs,
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
    p99: percentile(times, 0.99),
  }
}

interface Pace {
  readonly endpoint: TimedEndpoint
  readonly request: (i: number) => unknown
  readonly count: number
  readonly intervalMs: number
}

/** A timer of ours that is late moves all that follow: only the endpoint's own delays are to be seen. */
async function atPace(
  { endpoint, request, count, intervalMs }: Pace,
  signal: AbortSignal,
): Promise<{ times: number[]; tookMs: number }> {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  const started = performance.now()
  const answers: Promise<number>[] = []
  for (let i = 0; i < count && !either.aborted; i++) {
    const answer = timed(endpoint, request(i), either)
    // The first that fails ends the rest; its own error is what `all` rejects with.
    answer.catch((error: unknown) => failed.abort(error))
    answers.push(answer)
    await sleep(intervalMs)
  }
  const tookMs = performance.now() - started
  return { times: await Promise.all(answers), tookMs }
}

async function timed(endpoint: TimedEndpoint, request: unknown, signal: AbortSignal): Promise<number> {
  const due = performance.now()
  await endpoint.ask(request, signal)
  return performance.now() - due
}

function percentile(times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * share) - 1] ?? 0
}

const TRIES = 5
const BETWEEN_TRIES_MS = 2_000

/** From the beginning where the gateway goes away meanwhile: the server starts another one in its place. */
export async function measureAgain(
  measure: () => Promise<LatencyMeasures>,
  signal: AbortSignal,
): Promise<LatencyMeasures> {
  for (let tried = 1; ; tried++) {
    try {
      return await measure()
    } catch (error) {
      const mayPass = isAppError(error, 'UPSTREAM') && error.details['reason'] === undefined
      if (!mayPass || tried === TRIES) throw told(error)
      await sleep(BETWEEN_TRIES_MS, undefined, { signal })
    }
  }
}

function told(error: unknown): unknown {
  if (!isAppError(error)) return error
  const message = `its latency could not be measured: ${error.message}`
  return new AppError(error.code, message, error.details, { cause: error })
}

/** Rows from all over the table, each a request; fewer of them where they are large. */
export async function latencyRequests(
  endpoint: TimedEndpoint,
  { signature }: BundleManifest,
  connection: DuckDBConnection,
  rows: number,
): Promise<unknown[]> {
  const requests: unknown[] = []
  const most = Math.min(rows, KEPT_ROWS)
  let bytes = 0
  for (let i = 0; i < most && bytes < KEPT_BYTES; i++) {
    const from = Math.floor((i * rows) / most)
    const row = cutRows(await readTensors(connection, signature, { from, count: 1 }), 0, fixedBatch(signature) ?? 1)
    bytes += row.reduce((sum, { data }) => sum + 8 * data.length, 0)
    requests.push(endpoint.encode(row))
  }
  return requests
}
