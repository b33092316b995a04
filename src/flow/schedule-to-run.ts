import { setTimeout as sleep } from 'node:timers/promises'
import { nextTime } from '../pipeline/next-time.ts'
import { parsePipeline } from '../pipeline/parse-pipeline.ts'
import type { ScheduleSpec } from '../pipeline/pipeline.ts'
import { findProject, getProject, type Project } from '../source/projects.ts'
import { defaultHead } from '../source/read-commit.ts'
import { repositoryFolder } from '../source/repositories.ts'
import {
  deleteSchedule,
  dueSchedules,
  insertSchedule,
  moveSchedule,
  nextDueAt,
  schedulesOf,
  setLastRun,
  type ScheduleRow,
} from '../source/schedules.sql.ts'
import type { Installation } from './installation.ts'
import { readPipelineText } from './pipeline-text.ts'
import { planCommit, type PlanNeeds } from './plan-commit.ts'

export type ScheduleNeeds = PlanNeeds & {
  readonly engine: Pick<Installation['engine'], 'createRun'>
  readonly log: Installation['log']
}

/** A schedule that a push has just brought is seen within this time. */
const LOOK_MS = 5_000
const AFTER_TROUBLE_MS = 30_000
/** However near the next one is: what stays due, for whatever reason, does not keep the loop busy. */
const LEAST_REST_MS = 100

/** Starts a run whenever a schedule comes due. Times are rows, so those missed while no server ran are caught up. */
export async function runSchedules(
  needs: ScheduleNeeds,
  signal: AbortSignal,
  clock: () => number = Date.now,
): Promise<void> {
  while (!signal.aborted) {
    const failed = await runDueSchedules(needs, clock())
    const next = (await nextDueAt(needs.database.read)) ?? Infinity
    const restMs = failed ? AFTER_TROUBLE_MS : Math.min(Math.max(next - clock(), LEAST_REST_MS), LOOK_MS)
    await sleep(restMs, undefined, { signal })
  }
}

/**
 * One run for each schedule that is due, however often it was missed. Its row moves on in the transaction that
 * makes the run, so a server that dies makes it once. Answers whether one could not be planned: it stays due.
 */
export async function runDueSchedules(needs: ScheduleNeeds, now: number): Promise<boolean> {
  let failed = false
  for (const row of await dueSchedules(needs.database.read, now)) {
    try {
      await runSchedule(needs, row, now)
    } catch (error) {
      failed = true
      needs.log.error(
        { project: row.project, cron: row.cron, error: String(error) },
        'a schedule could not be followed, will be tried again',
      )
    }
  }
  return failed
}

async function runSchedule(needs: ScheduleNeeds, due: ScheduleRow, now: number): Promise<void> {
  await readSchedules(needs, due.project, now)
  const rows = await schedulesOf(needs.database.read, due.project)
  const row = rows.find(({ cron, timezone }) => cron === due.cron && timezone === due.timezone)
  if (row === undefined || row.next_at > now) return
  const nextAt = nextTime(due, now)
  if (nextAt === undefined) return endSchedule(needs, row)
  const run = await planScheduled(needs, row)
  await needs.database.write(async (writer) => {
    if (!(await moveSchedule(writer, row, { next_at: nextAt, last_at: now }))) return
    if (run === undefined) return
    const { run: made } = await needs.engine.createRun(writer, run)
    await setLastRun(writer, row, made.id)
  })
  needs.log.info({ project: row.project, cron: row.cron, lateMs: now - row.next_at }, 'a schedule came due')
}

/** What has no time to come would stay due for ever, and be looked at without a rest. */
async function endSchedule({ database, log }: ScheduleNeeds, row: ScheduleRow): Promise<void> {
  await database.write((writer) => deleteSchedule(writer, row))
  log.warn({ project: row.project, cron: row.cron }, 'a schedule has no time to come and was ended')
}

async function planScheduled(needs: ScheduleNeeds, row: ScheduleRow) {
  const project = await getProject(needs.database.read, row.project)
  const { name, defaultBranch } = project
  const commit = await defaultHead(repositoryFolder(needs.dataFolder, project), defaultBranch)
  if (commit === undefined) return undefined
  return planCommit(needs, {
    project: name,
    commit,
    branch: defaultBranch,
    event: 'schedule',
    person: 'tidegate',
    refreshData: true,
    dedupeKey: `schedule:${name}:${row.cron}:${row.timezone}:${row.next_at}`,
  })
}

/**
 * Makes a project's rows what the file at the head of its default branch says. One that stays keeps its time;
 * idempotent. A file with problems has no schedules: its invalid run has told people. Where the branch is not
 * there, nothing is known and nothing changes; a project that was removed has none.
 */
export async function readSchedules(
  needs: Pick<PlanNeeds, 'database' | 'dataFolder'>,
  projectName: string,
  now: number,
): Promise<void> {
  const project = await findProject(needs.database.read, projectName)
  if (project === undefined) return
  const wanted = await schedulesAtHead(needs, project)
  if (wanted === undefined) return
  const known = await schedulesOf(needs.database.read, projectName)
  const gone = known.filter((row) => !wanted.some((one) => isSame(one, row)))
  const added = wanted.filter((one) => !known.some((row) => isSame(one, row)))
  if (gone.length === 0 && added.length === 0) return
  await needs.database.write(async (writer) => {
    for (const row of gone) await deleteSchedule(writer, row)
    for (const { cron, timezone } of added) {
      const nextAt = nextTime({ cron, timezone }, now)
      if (nextAt === undefined) continue
      const row = { project: projectName, cron, timezone, next_at: nextAt, last_at: null, last_run: null }
      await insertSchedule(writer, row)
    }
  })
}

async function schedulesAtHead(
  { dataFolder }: Pick<PlanNeeds, 'dataFolder'>,
  project: Project,
): Promise<readonly ScheduleSpec[] | undefined> {
  const repository = repositoryFolder(dataFolder, project)
  const commit = await defaultHead(repository, project.defaultBranch)
  if (commit === undefined) return undefined
  const read = await readPipelineText(repository, commit, project)
  return read.kind === 'text' ? (parsePipeline(read.text).pipeline?.on.schedule ?? []) : []
}

function isSame(a: ScheduleSpec, b: ScheduleSpec): boolean {
  return a.cron === b.cron && a.timezone === b.timezone
}
