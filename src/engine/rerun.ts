import { randomUUID } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import type { Plan } from '../core/plan.ts'
import { isFinal } from '../core/transitions.ts'
import { RUN_TRANSITIONS } from '../core/run-state.ts'
import type { Digest } from '../core/digest.ts'
import type { Database, Writer } from '../db/open-database.ts'
import type { RunRow } from '../db/tables.ts'
import { createRun, type CreatedRun, type NewRun } from './create-run.ts'
import { getPlanned, getRun } from './runs.sql.ts'
import { parseOutputs, type StepOutputs } from './step-outputs.ts'
import { listOutputs } from './steps.sql.ts'

export interface RerunRequest {
  /** Steps that succeeded are not run again: the new run takes over their outputs. */
  readonly failedOnly: boolean
  /** Runs this step again, whatever the cache has, and everything that depends on it; takes over the rest. */
  readonly from?: string
  /** Workspaces are kept whatever the outcome; commands run, whatever the cache has. */
  readonly debug?: boolean
  readonly by: string
}

/** The same commit, plan and rules once more, as a new run: a run that has ended is never moved. */
export async function rerun(
  writer: Writer,
  kind: Database['kind'],
  runId: string,
  request: RerunRequest,
): Promise<CreatedRun> {
  const run = await getRun(writer, runId)
  if (run === undefined) throw new AppError('NOT_FOUND', `There is no run ${runId}.`)
  if (run.state === 'invalid') {
    throw new AppError('STATE_CONFLICT', `${runId} has no plan: correct tidegate.yaml and push again.`)
  }
  if (request.failedOnly && request.from !== undefined) {
    throw new AppError('INVALID_INPUT', 'Run again what failed, or from a step: not both at once.')
  }
  if (!isFinal(RUN_TRANSITIONS, run.state)) {
    throw new AppError('STATE_CONFLICT', `${runId} is still ${run.state}: wait for its end, or cancel it.`)
  }
  return createRun(writer, kind, await copyOf(writer, run, request))
}

async function copyOf(writer: Writer, run: RunRow, request: RerunRequest): Promise<NewRun> {
  const { plan, pipelineText } = await getPlanned(writer, run.id)
  const chosen = request.from === undefined ? [] : membersOf(plan, request.from, run.id)
  const adopt = await adopted(writer, run, plan, { ...request, chosen })
  const authors = new Set([...(JSON.parse(run.authors) as string[]), request.by])
  return {
    project: run.project,
    commit: run.commit_id,
    branch: run.branch,
    ...(run.tag === null ? {} : { tag: run.tag }),
    event: run.event,
    title: run.title,
    person: request.by,
    authors: [...authors],
    dedupeKey: `rerun:${run.id}:${randomUUID()}`,
    parentRun: run.id,
    ...(run.alert_id === null ? {} : { alertId: run.alert_id }),
    sourceTree: run.source_tree as Digest,
    pipelineText,
    plan,
    rules: JSON.parse(run.rules) as unknown,
    problems: JSON.parse(run.problems) as [],
    ...(run.concurrency_group === null ? {} : { concurrency: { group: run.concurrency_group, policy: 'queue' } }),
    ...(adopt === undefined ? {} : { adopt }),
    fresh: new Map(whatRunsAgain(plan, request, chosen).map((key) => [key, `asked for by ${request.by}`])),
    debug: request.debug === true,
  }
}

/** What the new run takes over; undefined: nothing. */
async function adopted(
  writer: Writer,
  run: RunRow,
  plan: Plan,
  { failedOnly, chosen }: RerunRequest & { readonly chosen: readonly string[] },
): Promise<Map<string, StepOutputs> | undefined> {
  if (!failedOnly && chosen.length === 0) return undefined
  const outputs = await succeededOutputs(writer, run.id)
  for (const key of dependentsOf(plan, chosen)) outputs.delete(key)
  return outputs
}

/** Steps that the cache may not answer. */
function whatRunsAgain(plan: Plan, { debug }: RerunRequest, chosen: readonly string[]): readonly string[] {
  if (debug !== true) return chosen
  return plan.steps.filter(({ work }) => work.kind === 'command').map(({ key }) => key)
}

/** A step, or all members of its matrix. */
function membersOf({ steps }: Plan, name: string, runId: string): string[] {
  const members = steps.filter(({ key }) => key === name || key.startsWith(`${name} (`)).map(({ key }) => key)
  if (members.length > 0) return members
  const known = steps.map(({ key }) => key).join(', ')
  throw new AppError('INVALID_INPUT', `${runId} has no step ${name} to run again from. Its steps are: ${known}.`)
}

/** These steps and all that need them, however far away. */
function dependentsOf({ steps }: Plan, chosen: readonly string[]): Set<string> {
  const found = new Set(chosen)
  for (let before = -1; before < found.size;) {
    before = found.size
    for (const step of steps) if (step.needs.some((need) => found.has(need.step))) found.add(step.key)
  }
  return found
}

async function succeededOutputs(writer: Writer, runId: string): Promise<Map<string, StepOutputs>> {
  const rows = await listOutputs(writer, runId)
  return new Map(
    rows.flatMap(({ key, outputs }) => {
      const parsed = parseOutputs(outputs)
      if (parsed.cacheable === false) return []
      return [[key, { ...parsed, cachedFrom: parsed.cachedFrom ?? runId }] as const]
    }),
  )
}
