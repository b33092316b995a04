import type { BundleManifest } from '../core/bundle.ts'
import type { Digest } from '../core/digest.ts'
import { AppError, isAppError } from '../core/errors.ts'
import { mapColumns } from '../core/map-columns.ts'
import type { Tensor } from '../core/ports/runtime.ts'
import type { HostSpec } from '../core/route-table.ts'
import type { DuckDBConnection } from '../lib/open-analytics.ts'
import { addAnswers, noAnswers, type RawAnswers } from './read-answers.ts'
import { cutRows, fixedBatch, readTensors, rowsAtOnce } from './row-tensors.ts'

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

/** `log` gets what the model's program prints, line by line. */
export type OpenHost = (
  spec: HostSpec,
  options: { readonly signal: AbortSignal; readonly log: (line: string) => void },
) => Promise<PredictingHost>

/** Requests under way where the model fixes how many rows one has: hosts that can work in parallel then do. */
const AT_ONCE = 16

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
  const stretch = rowsAtOnce(signature)
  for (let from = 0; from < rows; from += stretch) {
    signal.throwIfAborted()
    const count = Math.min(stretch, rows - from)
    const inputs = await readTensors(connection, signature, { from, count })
    await ask(host, inputs, { from, count }, answers, signature)
  }
  return answers
}

interface Stretch {
  readonly from: number
  readonly count: number
}

type Signature = BundleManifest['signature']

async function ask(
  host: PredictingHost,
  inputs: readonly Tensor[],
  { from, count }: Stretch,
  answers: RawAnswers,
  signature: Signature,
): Promise<void> {
  const size = fixedBatch(signature) ?? count
  for (let done = 0; done < count; done += size * AT_ONCE) {
    const starts = Array.from({ length: AT_ONCE }, (_, i) => done + i * size).filter((start) => start < count)
    const parts = starts.map((start) => ({ from: from + start, count: Math.min(size, count - start) }))
    const asked = starts.map((start) => host.predict(cutRows(inputs, start, size)))
    const settled = await Promise.allSettled(asked)
    for (const [i, outcome] of settled.entries()) {
      const part = parts[i]!
      if (outcome.status === 'rejected') throw await locate(host, inputs, { from, part }, outcome.reason, signature)
      addAnswers(answers, outcome.value, signature.answer, part.count, size)
    }
  }
}

/**
 * Which row the model cannot answer: while its host lives, halves are asked again until one row is left. What
 * died or hung is not asked again: its rows are told as they were sent.
 */
async function locate(
  host: PredictingHost,
  inputs: readonly Tensor[],
  { from, part }: { readonly from: number; readonly part: Stretch },
  error: unknown,
  signature: Signature,
): Promise<unknown> {
  if (!isModels(error) || fixedBatch(signature) !== undefined) return about(part, error)
  let { from: first, count } = part
  let last: unknown = error
  while (count > 1) {
    const half = Math.floor(count / 2)
    const failed = await failureOf(host, cutRows(inputs, first - from, half))
    if (failed !== undefined) {
      if (!isModels(failed)) return about(part, failed)
      last = failed
      count = half
    } else {
      first += half
      count -= half
    }
  }
  // A model that fails at many rows and at none alone is told with the whole stretch.
  const alone = await failureOf(host, cutRows(inputs, first - from, 1))
  return alone === undefined ? about(part, error) : about({ from: first, count: 1 }, last)
}

/** The model's own error: its host is still there. */
function isModels(error: unknown): boolean {
  return isAppError(error, 'UPSTREAM') && error.details['reason'] === 'model'
}

async function failureOf(host: PredictingHost, inputs: readonly Tensor[]): Promise<unknown> {
  return host.predict(inputs).then(
    () => undefined,
    (error: unknown) => error,
  )
}

function about({ from, count }: Stretch, error: unknown): unknown {
  if (!isAppError(error)) return error
  const rows = count === 1 ? `row ${from + 1}` : `rows ${from + 1} to ${from + count}`
  return new AppError(error.code, `${rows}: ${error.message}`, error.details, { cause: error })
}
