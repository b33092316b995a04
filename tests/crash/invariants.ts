import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DEPLOYMENT_TRANSITIONS, type DeploymentState } from '../../src/core/deployment-state.ts'
import type { AppEvent } from '../../src/core/events.ts'
import type { Plan } from '../../src/core/plan.ts'
import { ATTEMPT_TRANSITIONS, RUN_TRANSITIONS, STEP_TRANSITIONS } from '../../src/core/run-state.ts'
import { isFinal, type Transitions } from '../../src/core/transitions.ts'
import { openDatabase, type Reader } from '../../src/db/open-database.ts'
import { readEvents } from '../../src/db/outbox.ts'
import type { AttemptRow } from '../../src/db/tables.ts'
import { listProcesses } from '../../src/lib/processes.ts'
import { readMark } from './read-mark.ts'

export interface KilledPlace {
  readonly databaseUrl: string
  readonly dataFolder: string
  /** Where each execution of a step has left a file, named by its attempt, with a line for each time. */
  readonly executions: string
}

/**
 * What must hold when everything has ended, however often and wherever anything was killed. Answers the
 * violations as sentences; none is the only good answer.
 */
export async function violations(place: KilledPlace): Promise<string[]> {
  await using database = await openDatabase(place.databaseUrl)
  const events = await allEvents(database.read)
  return [
    ...(await limbo(database.read)),
    ...(await terminalEvents(database.read, events)),
    ...(await attemptsOf(database.read, place)),
    ...(await versionsOf(database.read, events)),
    ...deploymentMoves(events),
    ...(await pushesOf(database.read, place)),
    ...survivors(await database.read.selectFrom('attempts').selectAll().execute()),
  ]
}

/** Whether anything still goes on. */
export async function isQuiet(databaseUrl: string): Promise<boolean> {
  await using database = await openDatabase(databaseUrl)
  return (await limbo(database.read)).length === 0
}

async function limbo(reader: Reader): Promise<string[]> {
  const runs = await reader.selectFrom('runs').select(['id', 'state', 'ended_at']).execute()
  const steps = await reader.selectFrom('steps').select(['run_id', 'key', 'state', 'ended_at']).execute()
  const attempts = await reader.selectFrom('attempts').select(['id', 'state', 'ended_at']).execute()
  return [
    ...open(
      RUN_TRANSITIONS,
      runs.map((row) => ({ ...row, what: `run ${row.id}` })),
    ),
    ...open(
      STEP_TRANSITIONS,
      steps.map((row) => ({ ...row, what: `step ${row.run_id}/${row.key}` })),
    ),
    ...open(
      ATTEMPT_TRANSITIONS,
      attempts.map((row) => ({ ...row, what: `attempt ${row.id}` })),
    ),
  ]
}

function open<State extends string>(
  table: Transitions<State>,
  rows: readonly { what: string; state: State; ended_at: number | null }[],
): string[] {
  return rows
    .filter(({ state, ended_at }) => !isFinal(table, state) || ended_at === null)
    .map(({ what, state }) => `${what} is ${state} and has no end`)
}

async function allEvents(reader: Reader): Promise<AppEvent[]> {
  const events: AppEvent[] = []
  for (;;) {
    const page = await readEvents(reader, events.at(-1)?.id ?? 0, 1_000)
    if (page.length === 0) return events
    events.push(...page)
  }
}

async function terminalEvents(reader: Reader, events: readonly AppEvent[]): Promise<string[]> {
  const runs = await reader.selectFrom('runs').select(['id', 'state']).execute()
  const steps = await reader.selectFrom('steps').select(['run_id', 'key', 'state']).execute()
  const attempts = await reader.selectFrom('attempts').select(['id', 'state']).execute()
  return [
    ...runs.flatMap(({ id }) => exactlyOne(events, 'run.created', id, undefined)),
    ...runs.flatMap(({ id, state }) => exactlyOne(events, 'run.ended', id, state)),
    ...steps.flatMap(({ run_id, key, state }) => exactlyOne(events, 'step.ended', `${run_id}/${key}`, state)),
    ...attempts.flatMap(({ id, state }) => exactlyOne(events, 'attempt.ended', id, state)),
  ]
}

function exactlyOne(events: readonly AppEvent[], kind: string, subject: string, state: string | undefined): string[] {
  const found = events.filter((event) => event.kind === kind && event.subject === subject)
  if (found.length !== 1) return [`${subject} has ${found.length} events ${kind}`]
  const told = found[0]?.data['state']
  return state === undefined || told === state ? [] : [`${subject} is ${state}, and its ${kind} says ${String(told)}`]
}

/** Executed at most once each, more attempts only where the policy grants them, logs whole. */
async function attemptsOf(reader: Reader, place: KilledPlace): Promise<string[]> {
  const attempts = await reader.selectFrom('attempts').selectAll().orderBy('id').execute()
  const plans = await reader.selectFrom('run_plans').select(['run_id', 'plan']).execute()
  const planOf = new Map(plans.map(({ run_id: id, plan }) => [id, JSON.parse(plan) as Plan]))
  return attempts.flatMap((attempt) => [
    ...executedOnce(attempt, place),
    ...wasGranted(attempt, attempts, planOf.get(attempt.run_id)),
    ...logIsWhole(attempt),
  ])
}

function executedOnce(attempt: AttemptRow, { executions }: KilledPlace): string[] {
  const file = join(executions, attempt.id.replaceAll(/[/#]/g, '_'))
  const times = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').length : 0
  return times > 1 ? [`attempt ${attempt.id} was executed ${times} times`] : []
}

function wasGranted(attempt: AttemptRow, all: readonly AttemptRow[], plan: Plan | undefined): string[] {
  if (attempt.number === 1) return []
  const step = plan?.steps.find(({ key }) => key === attempt.step)
  const before = all.find(
    ({ run_id, step: key, number }) =>
      run_id === attempt.run_id && key === attempt.step && number === attempt.number - 1,
  )
  const reason = before?.reason
  if (reason !== null && reason !== undefined && step?.retry.on.includes(reason)) return []
  return [`attempt ${attempt.id} was opened after one that ended with ${String(reason)}, which nobody asked for`]
}

function logIsWhole(attempt: AttemptRow): string[] {
  if (attempt.state === 'lost' || attempt.exit_code === null) return []
  const size = statSync(join(attempt.folder, 'log'), { throwIfNoEntry: false })?.size ?? 0
  if (size === attempt.log_bytes && attempt.log_lost_bytes === 0) return []
  return [
    `the log of ${attempt.id} has ${size} bytes; its row says ${attempt.log_bytes}, lost ${attempt.log_lost_bytes}`,
  ]
}

async function versionsOf(reader: Reader, events: readonly AppEvent[]): Promise<string[]> {
  const versions = await reader.selectFrom('versions').select(['project', 'version', 'bundle', 'run_id']).execute()
  const first = events.filter(({ kind, data }) => kind === 'version.registered' && data['again'] !== true)
  return versions.flatMap(({ project, version, bundle, run_id: run }) => {
    const same = versions.filter((other) => other.project === project && other.bundle === bundle)
    const told = first.filter(({ subject }) => subject.startsWith(`${project}@`) && subject.endsWith(`@${version}`))
    return [
      ...(same.length > 1 ? [`${project} has the bundle of version ${version} ${same.length} times`] : []),
      ...(told.length === 1 ? [] : [`version ${version} of ${project}, made by ${run}, was told ${told.length} times`]),
    ]
  })
}

/** Each deployment moved as its state table says, one event for each move. */
function deploymentMoves(events: readonly AppEvent[]): string[] {
  const moves = Map.groupBy(
    events.filter(({ kind }) => kind === 'deployment.moved'),
    ({ data }) => String(data['deployment']),
  )
  return [...moves].flatMap(([id, told]) => {
    const states = told.map(({ data }) => data['state'] as DeploymentState)
    return states.slice(1).flatMap((state, at) => {
      const from: DeploymentState = states[at] ?? 'queued'
      const allowed = Object.values(DEPLOYMENT_TRANSITIONS[from]) as DeploymentState[]
      return allowed.includes(state) ? [] : [`deployment ${id} went from ${from} to ${state}: ${states.join(', ')}`]
    })
  })
}

async function pushesOf(reader: Reader, { dataFolder }: KilledPlace): Promise<string[]> {
  const open = await reader
    .selectFrom('push_updates')
    .select(['push_id', 'ref'])
    .where('handled_at', 'is', null)
    .execute()
  const journal = readdirSync(join(dataFolder, 'pushes')).filter((name) => name.endsWith('.json'))
  return [
    ...open.map(({ push_id: push, ref }) => `push ${push} of ${ref} is not handled`),
    ...journal.map((name) => `the journal still has ${name}`),
  ]
}

/** Of attempts that have ended no process lives. */
function survivors(attempts: readonly AttemptRow[]): string[] {
  const folders = new Map(attempts.map((attempt) => [attempt.folder, attempt]))
  return listProcesses().flatMap(({ pid }) => {
    const attempt = folders.get(readMark(pid) ?? '')
    return attempt === undefined ? [] : [`process ${pid} of ${attempt.id} lives, which is ${attempt.state}`]
  })
}
