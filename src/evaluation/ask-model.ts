import type { BundleManifest } from '../core/bundle.ts'
import type { Digest } from '../core/digest.ts'
import { mapColumns } from '../core/map-columns.ts'
import type { Tensor } from '../core/ports/runtime.ts'
import type { HostSpec } from '../core/route-table.ts'
import type { DuckDBConnection } from '../lib/open-analytics.ts'
import type { LatencyMeasures } from './evaluation-result.ts'
import { addAnswers, noAnswers, type RawAnswers } from './read-answers.ts'
import { fixedBatch, readTensors } from './row-tensors.ts'

/** A bundle, and the environment its host is started with. */
export interface EvaluatedModel {
  readonly bundle: Digest
  readonly manifest: BundleManifest
  /** `HostSpec.env`: for bundles that bring code of their own. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: `LIMITS.hostMemoryBytes`. */
  readonly memoryBytes?: number
}

/** One model in a host of its own, as `serving/` opens it. */
export interface PredictingHost {
  predict(inputs: readonly Tensor[]): Promise<readonly Tensor[]>
  close(): Promise<void>
}

export type OpenHost = (spec: HostSpec, signal: AbortSignal) => Promise<PredictingHost>

const ROWS_AT_ONCE = 512

/** The manifest with a column for every input: what the bundle leaves open is taken from the held-out table. */
export function withColumns(
  manifest: BundleManifest,
  table: readonly string[],
  notFeatures: readonly string[],
): BundleManifest {
  const { signature } = manifest
  const columns = mapColumns({ inputs: signature.inputs, given: signature.columns, table, notFeatures })
  return { ...manifest, signature: { ...signature, columns } }
}

/** The model's answer to every row, in the file's order. */
export async function askAboutAll(
  host: PredictingHost,
  { signature }: BundleManifest,
  connection: DuckDBConnection,
  rows: number,
  signal: AbortSignal,
): Promise<RawAnswers> {
  const answers = noAnswers()
  const atOnce = fixedBatch(signature) ?? ROWS_AT_ONCE
  for (let from = 0; from < rows; from += atOnce) {
    signal.throwIfAborted()
    const count = Math.min(atOnce, rows - from)
    const inputs = await readTensors(connection, signature, { from, count })
    const outputs = await host.predict(inputs)
    addAnswers(answers, outputs, signature.answer, count, fixedBatch(signature) ?? count)
  }
  return answers
}

const LATENCY_REQUESTS = 200
const WARM_UP_REQUESTS = 10
/** A slow model is asked less often, but never so rarely that a percentile would be one request. */
const LATENCY_BUDGET_MS = 20_000
const FEWEST_REQUESTS = 20

/** Single rows, one after another, from different places of the table. */
export async function measureLatency(
  host: PredictingHost,
  { signature }: BundleManifest,
  connection: DuckDBConnection,
  rows: number,
  signal: AbortSignal,
): Promise<LatencyMeasures> {
  const times: number[] = []
  const started = performance.now()
  for (let i = 0; i < LATENCY_REQUESTS + WARM_UP_REQUESTS; i++) {
    signal.throwIfAborted()
    if (times.length >= FEWEST_REQUESTS && performance.now() - started > LATENCY_BUDGET_MS) break
    const inputs = await readTensors(connection, signature, { from: (i * 7919) % rows, count: 1 })
    const sent = performance.now()
    await host.predict(inputs)
    if (i >= WARM_UP_REQUESTS) times.push(performance.now() - sent)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.ceil(times.length * share) - 1] ?? 0
  return { requests: times.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
