import { randomUUID } from 'node:crypto'
import { AppError } from '../core/errors.ts'
import type { Plan } from '../core/plan.ts'
import { isFinal } from '../core/transitions.ts'
import { RUN_TRANSITIONS } from '../core/run-state.ts'
import type { Digest } from '../core/digest.ts'
import type { Database, Writer } from '../db/open-database.ts'
import type { RunRow } from '../db/tables.ts'
import { createRun, type CreatedRun, type NewRun } from './create-run.ts'
import { getRun } from './runs.sql.ts'
import { parseOutputs, type StepOutputs } from './step-outputs.ts'
import { listOutputs } from './steps.sql.ts'

export interface RerunRequest {
  /** Steps that succeeded are not run again: the new run takes over their outputs. */
  readonly failedOnly: boolean
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
  if (!isFinal(RUN_TRANSITIONS, run.state)) {
    throw new AppError('STATE_CONFLICT', `${runId} is still ${run.state}: wait for its end, or cancel it.`)
  }
  return createRun(writer, kind, await copyOf(writer, run, request))
}

async function copyOf(writer: Writer, run: RunRow, request: RerunRequest): Promise<NewRun> {
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
    pipelineText: run.pipeline_text,
    plan: JSON.parse(run.plan) as Plan,
    rules: JSON.parse(run.rules) as unknown,
    problems: JSON.parse(run.problems) as [],
    ...(run.concurrency_group === null ? {} : { concurrency: { group: run.concurrency_group, policy: 'queue' } }),
    ...(request.failedOnly ? { adopt: await succeededOutputs(writer, run.id) } : {}),
  }
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
