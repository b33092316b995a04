import type { Run, RunDetail, Step } from '../../api/runs.ts'
import type { PlanStep } from '../../core/plan.ts'
import type { Problem } from '../../core/problem.ts'
import type { RunRow, StepRow } from '../../db/tables.ts'
import { sessionsOf, signaturesOf } from '../../delivery/acceptance/acceptance.sql.ts'
import { deploymentsOfRun } from '../../delivery/deployments.sql.ts'
import { debugPlace } from '../../engine/debug-place.ts'
import { getPlan, listLastAttempts, listSteps } from '../../engine/runs.sql.ts'
import { listStepProgress, type StepProgress } from '../../engine/steps.sql.ts'
import { listGates } from '../../evaluation/gates.sql.ts'
import { findReport } from '../../evaluation/reports.sql.ts'
import { listFindings } from '../../build/findings.sql.ts'
import { listDatasets } from '../../build/datasets.sql.ts'
import { coverageOfRun } from '../../reports/coverage.sql.ts'
import { failedTests } from '../../reports/test-results.sql.ts'
import { countTests } from '../../reports/tested-steps.sql.ts'
import { metricsOf } from '../../tracking/metrics.sql.ts'
import { versionOfRun } from '../../flow/version-of-run.ts'
import { alertsOfVersion } from '../../monitoring/alerts.sql.ts'
import { rulesOfRun } from '../../flow/run-rules.ts'
import { stageStrip } from '../../flow/stage-strip.ts'
import type { Reader } from '../../db/open-database.ts'

/** A run as lists show it, with its eight stages. */
export async function describeRun(reader: Reader, run: RunRow): Promise<Run> {
  const steps = await listStepProgress(reader, run.id)
  return asRun(run, await factsOf(reader, run, steps))
}

async function factsOf(reader: Reader, run: RunRow, steps: readonly StepProgress[]) {
  const deployments = await deploymentsOfRun(reader, run.id)
  const version = await versionOfRun(reader, run)
  const sessions = await sessionsOf(
    reader,
    deployments.map(({ id }) => id),
  )
  const signatures = (await Promise.all(sessions.map(({ id }) => signaturesOf(reader, id)))).flat()
  return {
    version,
    strip: stageStrip({
      run,
      steps,
      tests: await countTests(reader, run.id),
      gates: await listGates(reader, run.id),
      deployments,
      sessions,
      signers: signatures.filter(({ decision }) => decision === 'accept').map(({ person }) => person),
      lastEnvironment: rulesOfRun(run)?.environments.at(-1)?.name,
      alerts: version === undefined ? [] : await alertsOfVersion(reader, run.project, version.version),
    }),
  }
}

function asRun(run: RunRow, { version, strip }: Awaited<ReturnType<typeof factsOf>>): Run {
  return {
    id: run.id,
    project: run.project,
    number: run.number,
    commit: run.commit_id,
    branch: run.branch,
    tag: run.tag,
    event: run.event,
    title: run.title,
    state: run.state,
    reason: run.reason,
    cancelMode: run.cancel_mode,
    person: run.person,
    version: version?.version ?? null,
    parentRun: run.parent_run,
    alert: run.alert_id,
    createdAt: run.created_at,
    startedAt: run.started_at,
    endedAt: run.ended_at,
    stages: strip,
  }
}

/** Everything a page about one run shows. */
export async function describeRunDetail(reader: Reader, run: RunRow, dataFolder: string): Promise<RunDetail> {
  const rows = await listSteps(reader, run.id)
  const facts = await factsOf(reader, run, rows)
  const attempts = new Map((await listLastAttempts(reader, run.id)).map((attempt) => [attempt.step, attempt]))
  const plan = await getPlan(reader, run.id)
  const planned = new Map(plan.steps.map((step) => [step.key, step]))
  return {
    ...asRun(run, facts),
    steps: rows.map((row) => {
      const attempt = attempts.get(row.key)
      const debug = attempt === undefined || run.debug === 0 ? undefined : debugPlace(dataFolder, run, attempt)
      const isKept = debug !== undefined && row.kind === 'command'
      return asStep(row, planned.get(row.key), attempt?.log_bytes ?? 0, isKept ? debug : null)
    }),
    gates: (await listGates(reader, run.id)).map(({ title, outcome, summary, evidence, waivedBy, waivedReason }) => ({
      title,
      outcome,
      summary,
      evidence,
      waivedBy,
      waivedReason,
    })),
    hasReport: (await findReport(reader, run.id)) !== undefined,
    tests: { ...(await countTests(reader, run.id)), failures: await failedTests(reader, run.id) },
    coverage: await coverageOfRun(reader, run.id),
    findings: await listFindings(reader, run.id, 200),
    metrics: await metricsOf(reader, run.id),
    datasets: (await listDatasets(reader, run.id, 200)).map(({ path, digest, rows }) => ({ path, digest, rows })),
    problems: JSON.parse(run.problems) as Problem[],
  }
}

function asStep(row: StepRow, planned: PlanStep | undefined, logBytes: number, debug: Step['debug']): Step {
  const { started_at: start, ended_at: end } = row
  return {
    key: row.key,
    stage: row.stage,
    kind: row.kind,
    state: row.state,
    reason: row.reason,
    message: row.message,
    why: row.why,
    cache: row.cache,
    needs: planned?.needs.map((need) => need.step) ?? [],
    attempt: row.attempt,
    seconds: start === null || end === null ? null : (end - start) / 1_000,
    logBytes,
    services: planned?.services?.map(({ name }) => name) ?? [],
    debug,
    startedAt: start,
    endedAt: end,
  }
}
