import { join } from 'node:path'
import { isAppError } from '../core/errors.ts'
import { failureOf, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import { openAnalytics } from '../lib/open-analytics.ts'
import { askBoth, readAuthor, type Asked } from './ask-both.ts'
import type { EvaluateDeps, EvaluateInput, EvaluationPlace } from './evaluation-place.ts'
import type {
  EvaluatedChampion,
  EvaluationResult,
  ModelMeasures,
  RowOutcomes,
  SliceMeasures,
} from './evaluation-result.ts'
import { gatherOutcomes } from './gather-outcomes.ts'
import { readTable } from './held-out-table.ts'
import { pickRows } from './judged-rows.ts'
import { measureModel, placesOf, rowsOf } from './judge-answers.ts'
import { measureAll } from './measure.ts'

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
  const table = await readTable(place)
  const notes: string[] = []
  const asked = evaluation.source.kind === 'data' ? await askBoth(place, table) : await readAuthor(place, table, notes)
  const outcomes = await gatherOutcomes(place, table, asked, notes)
  const result: EvaluationResult = {
    task: evaluation.task,
    rows: table.rows,
    label: evaluation.label,
    source: evaluation.source.kind === 'data' ? 'hosts' : 'author',
    candidate: { bundle: input.candidate.bundle, ...measureModel(rowsOf(outcomes, outcomes.candidate)) },
    ...describeChampion(input, asked, outcomes),
    slices: measureSlices(outcomes, input.metrics),
    ...(asked.latency === undefined ? {} : { latency: asked.latency }),
    outcomes: await context.artifacts.putBytes(JSON.stringify(outcomes)),
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

function describeChampion(
  { champion }: EvaluateInput,
  asked: Asked,
  outcomes: RowOutcomes,
): { champion?: EvaluatedChampion } {
  if (champion === undefined) return {}
  const { version, bundle } = champion
  if (asked.championFailed !== undefined || outcomes.champion === undefined) {
    return { champion: { version, bundle, failed: asked.championFailed ?? 'it gave no answers' } }
  }
  return { champion: { version, bundle, ...measureModel(rowsOf(outcomes, outcomes.champion)) } }
}

/** What gates look at, and at least accuracy or the mean error. */
function measureSlices(outcomes: RowOutcomes, wanted: readonly string[]): SliceMeasures[] {
  const metrics = [...new Set([outcomes.task === 'classification' ? 'accuracy' : 'mae', ...wanted])]
  const candidate = rowsOf(outcomes, outcomes.candidate)
  const champion = outcomes.champion && rowsOf(outcomes, outcomes.champion)
  return outcomes.slices.flatMap(({ column, values, of }) =>
    values.map((value, place) => {
      const rows = placesOf(of, place)
      const measured = { column, value, rows: rows.length, candidate: measureAll(pickRows(candidate, rows), metrics) }
      return champion === undefined
        ? measured
        : { ...measured, champion: measureAll(pickRows(champion, rows), metrics) }
    }),
  )
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
      `latency over ${latency.requests} requests: p50 ${latency.p50.toFixed(1)} ms, p95 ${latency.p95.toFixed(1)} ms`,
    )
  for (const note of notes) context.log(`note: ${note}`)
}
