import { join } from 'node:path'
import { isAppError } from '../core/errors.ts'
import { limit } from '../core/limits.ts'
import { modelUser } from '../core/model-user.ts'
import { openWay } from '../lib/open-way.ts'
import { askAboutAll, measureLatency, withColumns, type EvaluatedModel, type PredictingHost } from './ask-model.ts'
import type { EvaluationPlace } from './evaluation-place.ts'
import type { LatencyMeasures } from './evaluation-result.ts'
import { notFeatures, type HeldOutTable } from './held-out-table.ts'
import { requireNumbers } from './read-answers.ts'
import { answersOfHost, type Answers } from './answers.ts'

/** What the models answered. `championFailed`: why the champion did not. */
export interface Asked {
  readonly candidate: Answers
  readonly champion?: Answers
  readonly championFailed?: string
  readonly latency?: LatencyMeasures
}

export async function askBoth(place: EvaluationPlace, table: HeldOutTable): Promise<Asked> {
  const { input, context, connection } = place
  const candidate = await withHost(place, 'candidate', input.candidate, table, async (host, manifest) => {
    const answers = await askHost(place, table, host, manifest)
    if (!input.latency) return { answers }
    return { answers, latency: await measureLatency(host, manifest, connection, table.rows, context.signal) }
  })
  const asked = {
    candidate: candidate.answers,
    ...(candidate.latency === undefined ? {} : { latency: candidate.latency }),
  }
  if (input.champion === undefined) return asked
  try {
    const champion = await withHost(place, 'champion', input.champion, table, (host, manifest) =>
      askHost(place, table, host, manifest),
    )
    return { ...asked, champion }
  } catch (error) {
    if (!isAppError(error) || context.signal.aborted) throw error
    return { ...asked, championFailed: error.message }
  }
}

async function askHost(
  { input, context, connection }: EvaluationPlace,
  table: HeldOutTable,
  host: PredictingHost,
  manifest: EvaluatedModel['manifest'],
): Promise<Answers> {
  const answers = await askAboutAll(host, manifest, connection, table.rows, context.signal)
  const { task } = input.evaluation
  if (task === 'regression') requireNumbers(answers)
  return answersOfHost(answers, task, manifest.signature.answer.classes)
}

async function withHost<T>(
  { input, deps, context }: EvaluationPlace,
  who: 'candidate' | 'champion',
  model: EvaluatedModel,
  table: HeldOutTable,
  work: (host: PredictingHost, manifest: EvaluatedModel['manifest']) => Promise<T>,
): Promise<T> {
  const manifest = withColumns(model.manifest, table.columns, notFeatures({ input }))
  const folder = join(context.workspace, `.tidegate-${who}`)
  await context.artifacts.restore(manifest.files, folder)
  if (modelUser(folder) !== undefined) openWay(folder, context.dataFolder)
  const memoryBytes = model.memoryBytes ?? limit('hostMemoryBytes')
  const host = await deps.openHost(
    { id: who, bundle: model.bundle, manifest, folder, memoryBytes, env: model.env ?? {} },
    context.signal,
  )
  try {
    return await work(host, manifest)
  } finally {
    await host.close()
  }
}
