import type { AppEvent } from '../core/events.ts'
import { formatProblem, type Problem } from '../core/problem.ts'
import { firstEventId, followEvents } from '../db/outbox.ts'
import type { Database } from '../db/open-database.ts'
import type { RunRow } from '../db/tables.ts'
import { limit } from '../core/limits.ts'
import { isFinal } from '../core/transitions.ts'
import { RUN_TRANSITIONS, type RunState } from '../core/run-state.ts'
import { interleave } from '../lib/interleave.ts'
import { findRunsByDedupeKeys, getPlan, getRun } from '../engine/runs.sql.ts'
import { failedTests } from '../reports/test-results.sql.ts'
import type { RefUpdate } from '../source/hook-messages.ts'
import { getRepository, type Project } from '../source/projects.ts'
import { updatesOfPush } from '../source/pushes.ts'
import { keyOfPushedRun } from './push-to-run.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { describeStep, type StepEnded } from './describe-step.ts'
import { versionOfRun } from './version-of-run.ts'
import { whyNoRun } from './why-no-run.ts'

export interface ProgressOptions {
  readonly database: Database
  readonly dataFolder: string
  readonly publicUrl: string
}

export interface PushToShow {
  readonly id: string
  readonly repository: string
  readonly isDetached: boolean
}

/** How long a push may take to become runs before the pusher is let go. */
const PLAN_MS = 30_000

/** Each asks the database whenever something happens. */
const MOST_SHOWN = 20

/**
 * What the pusher's terminal shows: which projects run and why others do not, then the runs' steps as they end,
 * until all have ended. It only reads: whether somebody watches changes nothing.
 */
export async function* pushProgress(
  options: ProgressOptions,
  push: PushToShow,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const updates = await handledUpdates(options.database, push, signal)
  if (updates === undefined) {
    yield `tidegate: the push is recorded; its run will show at ${options.publicUrl}/${push.repository}`
    return
  }
  const { projects } = await getRepository(options.database.read, push.repository)
  const runs = await runsOfPush(options.database, push.id, updates, projects)
  for (const run of runs) yield `tidegate: ${run.id}  ${linkOf(options, run)}`
  const idle = projects.filter(({ name }) => !runs.some(({ project }) => project === name))
  if (runs.length < limit('pageRows')) yield* whyNoRun(repositoryFolder(options.dataFolder, push), idle, updates)
  if (runs.length > MOST_SHOWN && !push.isDetached) {
    yield `tidegate: the steps of the first ${MOST_SHOWN} runs are shown here.`
  }
  const shown = runs.slice(0, MOST_SHOWN)
  const width = Math.max(...shown.map(({ id }) => id.length))
  yield* interleave(
    shown.map((run) => {
      const lines = showRun(options, run, push.isDetached, signal)
      return runs.length === 1 ? lines : prefixed(run.id.padEnd(width), lines)
    }),
  )
}

/** Undefined when that takes too long, or nobody waits any more. */
async function handledUpdates(
  database: Database,
  push: PushToShow,
  signal: AbortSignal,
): Promise<RefUpdate[] | undefined> {
  const deadline = Date.now() + PLAN_MS
  while (!signal.aborted && Date.now() < deadline) {
    const updates = await updatesOfPush(database.read, push.id)
    if (updates.length > 0 && updates.every(({ handledAt }) => handledAt !== null)) return updates
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return undefined
}

/** The first page of them: somebody may push ten thousand branches. */
async function runsOfPush(
  database: Database,
  pushId: string,
  updates: readonly RefUpdate[],
  projects: readonly Project[],
): Promise<RunRow[]> {
  const runs: RunRow[] = []
  for (const { ref } of updates) {
    const keys = projects.map(({ name }) => keyOfPushedRun(pushId, ref, name))
    runs.push(...(await findRunsByDedupeKeys(database.read, keys)))
    if (runs.length >= limit('pageRows')) break
  }
  return runs
}

async function* showRun(
  options: ProgressOptions,
  run: RunRow,
  isDetached: boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  if (run.state === 'invalid') yield* describeInvalid(run)
  else if (!isDetached) yield* followRun(options, run, signal)
}

async function* prefixed(prefix: string, lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${prefix}  ${line}`
}

function linkOf({ publicUrl }: ProgressOptions, run: RunRow): string {
  return `${publicUrl}/${run.project}/runs/${run.number}`
}

function* describeInvalid(run: RunRow): Generator<string> {
  yield 'tidegate: the pipeline file has problems; nothing was run.'
  for (const problem of JSON.parse(run.problems) as Problem[]) yield formatProblem(problem)
}

async function* followRun(options: ProgressOptions, run: RunRow, signal: AbortSignal): AsyncGenerator<string> {
  const { database } = options
  for (const problem of JSON.parse(run.problems) as Problem[]) yield formatProblem(problem)
  const { steps } = await getPlan(database.read, run.id)
  const width = Math.max(...steps.map(({ key }) => key.length), 8)
  const before = (await firstEventId(database.read, run.id)) - 1
  for await (const event of followEvents(database, before, signal, { project: run.project, subjectPrefix: run.id })) {
    if (event.subject !== run.id && !event.subject.startsWith(`${run.id}/`)) continue
    yield* describeEvent(database, run, event, width)
    if (event.kind !== 'run.ended') continue
    const ended = await getRun(database.read, run.id)
    if (ended !== undefined && isFinal<RunState>(RUN_TRANSITIONS, ended.state)) {
      const version = await versionOfRun(database.read, run)
      if (version !== undefined) yield `tidegate: registered ${version.model}@${version.version}`
      yield `tidegate: ${run.id} ${ended.state}${ended.reason === null ? '' : `: ${ended.reason}`}`
      yield `tidegate: ${linkOf(options, run)}`
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
