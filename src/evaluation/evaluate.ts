import { join } from 'node:path'
import { isAppError } from '../core/errors.ts'
import { failureOf, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import { openAnalytics } from '../lib/open-analytics.ts'
import { askBoth, type Asked } from './ask-both.ts'
import { readAuthor } from './read-author.ts'
import { writeOutcomes } from './outcomes-file.ts'
import type { EvaluateDeps, EvaluateInput, EvaluationPlace } from './evaluation-place.ts'
import type {
  EvaluatedChampion,
  EvaluationResult,
  ModelMeasures,
  RowOutcomes,
  SliceMeasures,
} from './evaluation-result.ts'
import { gatherEvidence } from './row-evidence.ts'
import { gatherOutcomes } from './gather-outcomes.ts'
import { readTable } from './held-out-table.ts'
import { pickRows, type JudgedRows } from './judged-rows.ts'
import { measureModel, placesOf, rowsOf } from './judge-answers.ts'
import { measureAll } from './measure.ts'
import { metricNames } from './metrics.ts'

export interface EvaluateOutput extends TaskOutput {
  readonly result?: EvaluationResult
}

/**
 * Sends the same held-out rows through the candidate's and the champion's own hosts, joins the labels and
 * computes every metric with its interval, over all rows and per slice. What fails on the candidate's side
 * fails the attempt; what fails on the champion's is recorded, and gates against it are then inconclusive.
 */
export function createEvaluateTask(deps: EvaluateDeps): Task<EvaluateInput, EvaluateOutput> {
  return {
    name: 'evaluate',
    async run(input, context) {
      try {
        await using analytics = await openAnalytics({ spillFolder: join(context.workspace, '.tidegate-spill') })
        return await analytics.use((connection) => evaluate({ input, deps, context, connection }))
      } catch (error) {
        if (isAppError(error, 'UPSTREAM') && error.details['reason'] !== undefined) {
          return { failure: { reason: 'refused', message: `the candidate could not be evaluated: ${error.message}` } }
        }
        return failureOf(error)
      }
    },
  }
}

async function evaluate(place: EvaluationPlace): Promise<EvaluateOutput> {
  const { input, context } = place
  const { evaluation } = input
  const notes: string[] = []
  const table = await readTable(place, notes)
  const asked = evaluation.source.kind === 'data' ? await askBoth(place, table) : await readAuthor(place, table, notes)
  const outcomes = await gatherOutcomes(place, table, asked, notes)
  const file = join(context.workspace, '.tidegate-outcomes')
  await writeOutcomes(file, outcomes)
  const rows = gatherRows(outcomes)
  const result: EvaluationResult = {
    task: evaluation.task,
    rows: table.rows,
    label: evaluation.label,
    ...describeSampling(input, rows.candidate),
    source: evaluation.source.kind === 'data' ? 'hosts' : 'author',
    ...describeLabels(input),
    candidate: { bundle: input.candidate.bundle, ...measureAllOf(rows.candidate, input) },
    ...describeChampion(input, asked, rows.champion),
    ...(input.noChampion === undefined ? {} : { noChampion: input.noChampion }),
    slices: measureSlices(outcomes, rows, input),
    ...(asked.latency === undefined ? {} : { latency: asked.latency }),
    outcomes: await context.artifacts.putFile(file),
    evidence: await gatherEvidence(place, outcomes),
    notes,
  }
  logResult(result, context)
  const metrics = numbersOf(result.candidate)
  return hasLostChampion(result) ? { result, metrics, cacheable: false } : { result, metrics }
}

/** It may answer the next time: its host ran out of time, or its build environment is gone for now. */
function hasLostChampion({ source, champion }: EvaluationResult): boolean {
  return source === 'hosts' && champion !== undefined && 'failed' in champion
}

interface ModelRows {
  readonly candidate: JudgedRows
  readonly champion?: JudgedRows
}

function gatherRows(outcomes: RowOutcomes): ModelRows {
  const candidate = rowsOf(outcomes, outcomes.candidate)
  return outcomes.champion === undefined ? { candidate } : { candidate, champion: rowsOf(outcomes, outcomes.champion) }
}

function describeSampling({ evaluation }: EvaluateInput, { sampling }: JudgedRows): Partial<EvaluationResult> {
  const { positive, weight, unit, metrics } = evaluation
  return {
    ...(positive === undefined ? {} : { positive }),
    ...(weight === undefined ? {} : { weight }),
    ...(unit === undefined ? {} : { unit: { column: unit, count: sampling.units?.count ?? 0 } }),
    ...(metrics === undefined ? {} : { own: metrics }),
  }
}

function describeLabels({ evaluation, labelsAreHidden }: EvaluateInput): Pick<EvaluationResult, 'labels'> {
  const { source } = evaluation
  if (source.kind === 'data' || source.labels === undefined) return {}
  return { labels: { path: source.labels, areHidden: labelsAreHidden } }
}

/** Every metric that the rows have, and those that somebody named: quantile losses have no end. */
function measureAllOf(rows: JudgedRows, { metrics, evaluation }: EvaluateInput): ModelMeasures {
  return measureModel(rows, [...metricNames(rows), ...metrics], evaluation.metrics)
}

function describeChampion(
  input: EvaluateInput,
  asked: Asked,
  rows: JudgedRows | undefined,
): { champion?: EvaluatedChampion } {
  if (input.champion === undefined) return {}
  const { version, bundle } = input.champion
  if (asked.championFailed !== undefined || rows === undefined) {
    return { champion: { version, bundle, failed: asked.championFailed ?? 'it gave no answers' } }
  }
  return { champion: { version, bundle, ...measureAllOf(rows, input) } }
}

/** What gates look at, and at least accuracy or the mean error. */
function measureSlices(
  { task, slices }: RowOutcomes,
  { candidate, champion }: ModelRows,
  { metrics, evaluation }: EvaluateInput,
): SliceMeasures[] {
  const names = [task === 'classification' ? 'accuracy' : 'mae', ...metrics]
  const measureAt = (rows: JudgedRows, places: Uint32Array) =>
    measureAll(pickRows(rows, places), names, evaluation.metrics)
  return slices.flatMap(({ column, values, of }) => {
    const places = placesOf(of, values.length)
    return values.map((value, i) => {
      const at = places[i]!
      const measured = { column, value, rows: at.length, candidate: measureAt(candidate, at) }
      return champion === undefined ? measured : { ...measured, champion: measureAt(champion, at) }
    })
  })
}

function numbersOf({ metrics }: ModelMeasures): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).flatMap(([name, { value }]) => (value === null ? [] : [[name, value]])),
  )
}

function logResult({ rows, candidate, champion, latency, task, notes }: EvaluationResult, context: TaskContext): void {
  const main = task === 'classification' ? 'accuracy' : 'mae'
  const show = (measures: ModelMeasures): string => `${main} ${measures.metrics[main]?.value?.toFixed(4) ?? 'unknown'}`
  context.log(`candidate: ${show(candidate)} on ${rows} rows`)
  if (champion !== undefined)
    context.log(`champion (version ${champion.version}): ${'failed' in champion ? champion.failed : show(champion)}`)
  if (latency !== undefined)
    context.log(
      `latency through the gateway over ${latency.requests} requests: p50 ${latency.p50.toFixed(1)} ms, p95 ${latency.p95.toFixed(1)} ms`,
    )
  for (const note of notes) context.log(`note: ${note}`)
}
