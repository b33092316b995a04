import type { NewEvent } from '../core/events.ts'
import type { Plan } from '../core/plan.ts'
import type { Problem } from '../core/problem.ts'
import type { Digest } from '../core/digest.ts'
import type { RunPlanRow, StepRow, RunRow } from '../db/tables.ts'
import { appendEvents, lockEvents } from '../db/outbox.ts'
import type { Database, Writer } from '../db/open-database.ts'
import type { ConcurrencyPolicy } from '../pipeline/pipeline.ts'
import { askForCancel } from './cancel-run.ts'
import { findRunByDedupeKey, insertRun, listGroupAhead, nextRunNumber } from './runs.sql.ts'
import { insertSteps } from './steps.sql.ts'
import type { StepOutputs } from './step-outputs.ts'

export interface NewRun {
  readonly project: string
  readonly commit: string
  readonly branch: string
  readonly tag?: string
  readonly event: string
  readonly title: string
  /** Who pushed or started it. */
  readonly person: string
  /** People who may not approve or sign what comes of it. */
  readonly authors: readonly string[]
  /** The same key is the same run. */
  readonly dedupeKey: string
  readonly parentRun?: string
  readonly alertId?: string
  /** The commit's files. */
  readonly sourceTree: Digest
  readonly pipelineText: string
  /** Absent: the pipeline file has problems, the run is `invalid` from the start. */
  readonly plan?: Plan
  readonly rules: unknown
  readonly problems: readonly Problem[]
  readonly concurrency?: { readonly group: string; readonly policy: ConcurrencyPolicy }
  /** Workspaces are kept for somebody to look into, whatever the outcome. */
  readonly debug?: boolean
  /** Outputs of another run that steps take over instead of running, by key. */
  readonly adopt?: ReadonlyMap<string, StepOutputs>
  /** Steps that the cache may not answer, and why, by key. */
  readonly fresh?: ReadonlyMap<string, string>
}

export interface CreatedRun {
  readonly run: RunRow
  /** False: this key had a run already, and nothing was changed. */
  readonly created: boolean
}

/**
 * One run, its steps and its event, in the caller's transaction. Numbers of a project have no gaps: those
 * who create queue for the outbox's lock until they commit.
 */
export async function createRun(writer: Writer, kind: Database['kind'], wanted: NewRun): Promise<CreatedRun> {
  await lockEvents(writer, kind)
  const known = await findRunByDedupeKey(writer, wanted.dedupeKey)
  if (known !== undefined) return { run: known, created: false }
  const row = newRunRow(wanted, await nextRunNumber(writer, wanted.project))
  const run = await insertRun(writer, row, planRow(row.id, wanted))
  await insertSteps(writer, stepRows(run.id, wanted))
  await appendEvents(writer, kind, createdEvents(run, wanted))
  if (wanted.concurrency !== undefined && run.state === 'queued') {
    await replaceOlder(writer, kind, run, wanted.concurrency)
  }
  return { run, created: true }
}

async function replaceOlder(
  writer: Writer,
  kind: Database['kind'],
  run: RunRow,
  { group, policy }: NonNullable<NewRun['concurrency']>,
): Promise<void> {
  if (policy === 'queue') return
  const ahead = await listGroupAhead(writer, run, group)
  // The first in line is running, or about to: what waits behind it is what is replaced.
  const replaced = policy === 'cancel-running' ? ahead : ahead.slice(1).filter(({ state }) => state === 'queued')
  for (const older of replaced) {
    await askForCancel(writer, kind, older.id, { mode: 'now', reason: `replaced by ${run.id}` })
  }
}

/** The row of a run that does not exist yet. */
export function newRunRow(wanted: NewRun, number: number): RunRow {
  const at = Date.now()
  const invalid = wanted.plan === undefined
  return {
    id: `${wanted.project}#${number}`,
    project: wanted.project,
    number,
    commit_id: wanted.commit,
    branch: wanted.branch,
    tag: wanted.tag ?? null,
    event: wanted.event,
    title: wanted.title,
    state: invalid ? 'invalid' : 'queued',
    reason: invalid ? invalidReason(wanted.problems) : null,
    person: wanted.person,
    authors: JSON.stringify(wanted.authors),
    dedupe_key: wanted.dedupeKey,
    parent_run: wanted.parentRun ?? null,
    alert_id: wanted.alertId ?? null,
    source_tree: wanted.sourceTree,
    rules: JSON.stringify(wanted.rules),
    problems: JSON.stringify(wanted.problems),
    concurrency_group: wanted.concurrency?.group ?? null,
    cancel_mode: null,
    debug: wanted.debug === true ? 1 : 0,
    created_at: at,
    started_at: null,
    ended_at: invalid ? at : null,
  }
}

function planRow(runId: string, { pipelineText, plan = NO_PLAN }: NewRun): RunPlanRow {
  return { run_id: runId, pipeline_text: pipelineText, plan: JSON.stringify(plan) }
}

const NO_PLAN: Plan = { version: 1, steps: [] }

function invalidReason(problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error')
  const [first] = errors
  if (first === undefined) return 'There is no plan for this commit.'
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return `${first.file}:${first.line}:${first.column}: ${first.message}${more}`
}

function stepRows(runId: string, wanted: NewRun): StepRow[] {
  return (wanted.plan?.steps ?? []).map((step, position) => {
    const adopted = wanted.adopt?.get(step.key)
    const fresh = adopted === undefined ? wanted.fresh?.get(step.key) : undefined
    return {
      run_id: runId,
      key: step.key,
      position,
      stage: step.stage,
      kind: step.work.kind,
      state: 'waiting',
      reason: null,
      message: null,
      why: fresh ?? null,
      cache: fresh === undefined ? null : 'off',
      cache_key: null,
      outputs: adopted === undefined ? null : JSON.stringify(adopted),
      attempt: 0,
      started_at: null,
      ended_at: null,
    }
  })
}

function createdEvents(run: RunRow, wanted: NewRun): NewEvent[] {
  const { id, project, number, state, reason, branch, event, title, person } = run
  const data = {
    number,
    state,
    commit: run.commit_id,
    branch,
    event,
    title,
    person,
    steps: wanted.plan?.steps.length ?? 0,
  }
  const created: NewEvent = {
    kind: 'run.created',
    project,
    subject: id,
    data: { ...data, parentRun: run.parent_run, alertId: run.alert_id, problems: wanted.problems },
  }
  if (state !== 'invalid') return [created]
  return [created, { kind: 'run.ended', project, subject: id, data: { state, reason, seconds: 0 } }]
}
