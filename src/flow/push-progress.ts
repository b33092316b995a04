import type { AppEvent } from '../core/events.ts'
import { formatProblem, type Problem } from '../core/problem.ts'
import { followEvents } from '../db/outbox.ts'
import type { Database } from '../db/open-database.ts'
import type { RunRow } from '../db/tables.ts'
import { isFinal } from '../core/transitions.ts'
import { RUN_TRANSITIONS, type RunState } from '../core/run-state.ts'
import { findRunByDedupeKey, getPlan, getRun } from '../engine/runs.sql.ts'
import { failedTests } from '../reports/test-results.sql.ts'
import { updatesOfPush } from '../source/pushes.ts'
import { describeStep, type StepEnded } from './describe-step.ts'
import { versionOfRun } from './version-of-run.ts'

export interface ProgressOptions {
  readonly database: Database
  readonly publicUrl: string
}

export interface PushToShow {
  readonly id: string
  readonly repository: string
  readonly isDetached: boolean
}

/** How long a push may take to become runs before the pusher is let go. */
const PLAN_MS = 30_000

/**
 * What the pusher's terminal shows: the run's steps as they end, until the run has ended. It only reads:
 * whether somebody watches changes nothing.
 */
export async function* pushProgress(
  options: ProgressOptions,
  push: PushToShow,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { runs, ignored } = await runsOfPush(options.database, push, signal)
  if (runs.length === 0) {
    yield ignored
      ? 'tidegate: `on:` in tidegate.yaml starts nothing for this push.'
      : `tidegate: the push is recorded; its run will show at ${options.publicUrl}/${push.repository}`
    return
  }
  for (const run of runs) {
    yield `tidegate: ${run.id}  ${options.publicUrl}/${run.project}/runs/${run.number}`
    if (run.state === 'invalid') {
      yield* describeInvalid(run)
    } else if (!push.isDetached) {
      yield* followRun(options, run, signal)
    }
  }
}

async function runsOfPush(
  database: Database,
  push: PushToShow,
  signal: AbortSignal,
): Promise<{ runs: RunRow[]; ignored: boolean }> {
  const deadline = Date.now() + PLAN_MS
  while (!signal.aborted && Date.now() < deadline) {
    const updates = await updatesOfPush(database.read, push.id)
    if (updates.length > 0 && updates.every(({ handledAt }) => handledAt !== null)) {
      const found = await Promise.all(
        updates.map(({ ref }) => findRunByDedupeKey(database.read, `push:${push.id}:${ref}`)),
      )
      const runs = found.filter((run) => run !== undefined)
      return { runs, ignored: runs.length === 0 }
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { runs: [], ignored: false }
}

function* describeInvalid(run: RunRow): Generator<string> {
  yield 'tidegate: the pipeline file has problems; nothing was run.'
  for (const problem of JSON.parse(run.problems) as Problem[]) yield formatProblem(problem)
}

async function* followRun(
  { database, publicUrl }: ProgressOptions,
  run: RunRow,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (const problem of JSON.parse(run.problems) as Problem[]) yield formatProblem(problem)
  const { steps } = await getPlan(database.read, run.id)
  const width = Math.max(...steps.map(({ key }) => key.length), 8)
  for await (const event of followEvents(database, 0, signal, { project: run.project, subjectPrefix: run.id })) {
    if (event.subject !== run.id && !event.subject.startsWith(`${run.id}/`)) continue
    yield* describeEvent(database, run, event, width)
    if (event.kind !== 'run.ended') continue
    const ended = await getRun(database.read, run.id)
    if (ended !== undefined && isFinal<RunState>(RUN_TRANSITIONS, ended.state)) {
      const version = await versionOfRun(database.read, run)
      if (version !== undefined) yield `tidegate: registered ${version.model}@${version.version}`
      yield `tidegate: ${run.id} ${ended.state}${ended.reason === null ? '' : `: ${ended.reason}`}`
      yield `tidegate: ${publicUrl}/${run.project}/runs/${run.number}`
      return
    }
  }
}

async function* describeEvent(database: Database, run: RunRow, event: AppEvent, width: number): AsyncGenerator<string> {
  if (event.kind === 'gate.decided') {
    const { gate, outcome, summary } = event.data as { gate: string; outcome: string; summary: string }
    yield `    gate ${outcome}: ${gate}: ${summary}`
    return
  }
  if (event.kind !== 'step.ended') return
  const ended = event.data as unknown as StepEnded
  yield describeStep(ended, width)
  if (ended.state !== 'failed') return
  for (const test of (await failedTests(database.read, run.id)).filter(({ step }) => step === ended.step).slice(0, 5)) {
    yield `      ${test.name}: ${test.message.split('\n')[0] ?? ''}`
    for (const line of test.detail.split('\n').slice(-6)) yield `        ${line}`
  }
}
