import { isAppError } from '../core/errors.ts'
import { askAboutAll, withColumns, type EvaluatedModel, type PredictingHost } from './ask-model.ts'
import type { EvaluationPlace } from './evaluation-place.ts'
import type { LatencyMeasures } from './evaluation-result.ts'
import { notFeatures, type HeldOutTable } from './held-out-table.ts'
import { latencyRequests, measureAgain, measureLatency } from './measure-latency.ts'
import { requireNumbers, requireOneNaming } from './read-answers.ts'
import { answersOfHost, type Answers } from './answers.ts'
import { withHost } from './with-host.ts'

/** What the models answered. `championFailed`: why the champion did not. */
export interface Asked {
  readonly candidate: Answers
  readonly champion?: Answers
  readonly championFailed?: string
  readonly latency?: LatencyMeasures
}

export async function askBoth(place: EvaluationPlace, table: HeldOutTable): Promise<Asked> {
  const { input, context } = place
  const hosts = { openHost: place.deps.openHost, context }
  const asked = { columns: table.columns, notFeatures: notFeatures({ input }) }
  const candidate = await withHost(hosts, { ...asked, model: input.candidate }, (host, manifest) =>
    askHost(place, table, host, manifest),
  )
  // Between the two: no other host of this evaluation is there to take its time.
  const answered = { candidate, ...(input.latency ? { latency: await latencyOf(place, table) } : {}) }
  if (input.champion === undefined) return answered
  try {
    const champion = await withHost(hosts, { ...asked, model: input.champion, who: 'champion' }, (host, manifest) =>
      askHost(place, table, host, manifest),
    )
    return { ...answered, champion }
  } catch (error) {
    if (!isAppError(error) || context.signal.aborted) throw error
    return { ...answered, championFailed: error.message }
  }
}

async function latencyOf({ input, deps, context, connection }: EvaluationPlace, table: HeldOutTable) {
  const { endpoint } = deps
  if (endpoint === undefined) throw new Error('latency is wanted, and the candidate has no endpoint')
  const manifest = withColumns(input.candidate.manifest, table.columns, notFeatures({ input }))
  context.log('measuring latency: single rows at the candidate’s own endpoint behind the gateway')
  const requests = await latencyRequests(endpoint, manifest, connection, table.rows)
  return measureAgain(() => measureLatency(endpoint, requests, context.signal), context.signal)
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
  else requireOneNaming(answers)
  return answersOfHost(answers, task, manifest.signature.answer.classes)
}
