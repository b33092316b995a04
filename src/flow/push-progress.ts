import type { AppEvent } from '../core/events.ts'
import { formatProblem, type Problem } from '../core/problem.ts'
import { followEvents } from '../db/outbox.ts'
import type { Database } from '../db/open-database.ts'
import type { RunRow } from '../db/tables.ts'
import { isFinal } from '../core/transitions.ts'
import { RUN_TRANSITIONS, type RunState } from '../core/run-state.ts'
import { interleave } from '../lib/interleave.ts'
import { findRunByDedupeKey, getPlan, getRun } from '../engine/runs.sql.ts'
import { failedTests } from '../reports/test-results.sql.ts'
import { NO_COMMIT, type RefUpdate } from '../source/hook-messages.ts'
import { getRepository, type Project } from '../source/projects.ts'
import { updatesOfPush } from '../source/pushes.ts'
import { pipelinePath } from './plan-commit.ts'
import { keyOfPushedRun } from './push-to-run.ts'
import { repositoryFolder } from '../source/repositories.ts'
import { touchedProjects } from '../source/touched-projects.ts'
import { describeStep, type StepEnded } from './describe-step.ts'
import { versionOfRun } from './version-of-run.ts'

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
  yield* whyNoRun(repositoryFolder(options.dataFolder, push), idle, updates)
  const width = Math.max(...runs.map(({ id }) => id.length))
  yield* interleave(
    runs.map((run) => {
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

async function runsOfPush(
  database: Database,
  pushId: string,
  updates: readonly RefUpdate[],
  projects: readonly Project[],
): Promise<RunRow[]> {
  const runs: RunRow[] = []
  for (const { ref } of updates) {
    for (const { name } of projects) {
      const run = await findRunByDedupeKey(database.read, keyOfPushedRun(pushId, ref, name))
      if (run !== undefined) runs.push(run)
    }
  }
  return runs
}

/** Of projects that this push started nothing of. */
async function* whyNoRun(
  repository: string,
  idle: readonly Project[],
  updates: readonly RefUpdate[],
): AsyncGenerator<string> {
  if (idle.length === 0) return
  const moved = updates.filter(({ newCommit }) => newCommit !== NO_COMMIT)
  if (moved.length === 0) {
    yield 'tidegate: nothing to run: the push only deletes.'
    return
  }
  const touched = new Set<string>()
  for (const update of moved) {
    for (const { project } of await touchedProjects({ repository }, idle, update)) touched.add(project.name)
  }
  const elsewhere = idle.filter(({ name }) => !touched.has(name))
  if (elsewhere.length === 1) {
    yield `tidegate: no run of ${elsewhere[0]!.name}: nothing in ${elsewhere[0]!.path} was changed.`
  } else if (elsewhere.length > 1) {
    yield `tidegate: no run of ${firstOf(elsewhere)}: nothing in their folders was changed.`
  }
  const unwanted = idle.filter(({ name }) => touched.has(name))
  for (const project of unwanted.slice(0, MOST_NAMED)) {
    yield `tidegate: no run of ${project.name}: \`on:\` in ${pipelinePath(project)} starts nothing for this push.`
  }
  const more = unwanted.length - MOST_NAMED
  if (more > 0) yield `tidegate: no run of ${more} more, whose \`on:\` starts nothing for this push.`
}

const MOST_NAMED = 10

function firstOf(projects: readonly Project[]): string {
  const names = projects.slice(0, MOST_NAMED).map(({ name }) => name)
  const more = projects.length - names.length
  return more === 0 ? names.join(', ') : `${names.join(', ')} and ${more} more`
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
  for await (const event of followEvents(database, 0, signal, { project: run.project, subjectPrefix: run.id })) {
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
