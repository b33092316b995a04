import type { CompletionRecord } from '../core/ports/executor.ts'
import { limit } from '../core/limits.ts'
import type { NewEvent } from '../core/events.ts'
import type { TaskArtifacts } from '../core/task.ts'
import type { ArtifactRef } from '../core/tree.ts'
import type { Writer } from '../db/open-database.ts'
import type { StepContext } from '../engine/engine-options.ts'
import type { TestResult } from '../reports/parse-junit.ts'
import { readCoverage } from '../reports/read-coverage.ts'
import { recordTestResults } from '../reports/test-results.sql.ts'
import { flattenMetrics } from '../tracking/flatten-metrics.ts'
import { recordMetrics } from '../tracking/metrics.sql.ts'

export interface RunResults {
  readonly tests: readonly TestResult[]
  readonly metrics: Readonly<Record<string, number>>
}

/** What an ended step left in files: JUnit reports and metrics. A report nobody can read is one failed test that says so. */
export async function readResults(
  artifacts: TaskArtifacts,
  context: StepContext,
  record: CompletionRecord,
): Promise<RunResults> {
  const { step } = context
  const kept = { ...record.kept, ...record.outs }
  const tests: TestResult[] = []
  for (const path of step.reports.junit ?? []) tests.push(...(await readReport(artifacts, path, kept[path])))
  const metrics: Record<string, number> = { ...record.taskOutput?.metrics }
  for (const path of step.reports.coverage ?? []) Object.assign(metrics, await readCoverageOf(artifacts, kept[path]))
  for (const path of step.metrics) Object.assign(metrics, await readMetrics(artifacts, kept[path]))
  return { tests, metrics }
}

async function readReport(
  artifacts: TaskArtifacts,
  path: string,
  ref: ArtifactRef | undefined,
): Promise<readonly TestResult[]> {
  if (ref === undefined) return []
  if (ref.size > limit('reportBytes'))
    return [unreadable(path, `it has ${ref.size} bytes; at most ${limit('reportBytes')} are read`)]
  try {
    // Forty modules of an XML parser, which a local run without new reports can do without.
    const { parseJunit } = await import('../reports/parse-junit.ts')
    return parseJunit((await artifacts.read(ref.digest)).toString('utf8')).results
  } catch (error) {
    return [unreadable(path, (error as Error).message)]
  }
}

/** `why` may quote the report, and Postgres keeps no NUL in text. */
function unreadable(path: string, why: string): TestResult {
  return {
    suite: path,
    name: 'report',
    state: 'error',
    seconds: 0,
    message: `the report cannot be read: ${why.replaceAll('\0', '')}`,
    detail: '',
  }
}

/** The share of covered lines, as the metric `coverage`. */
async function readCoverageOf(artifacts: TaskArtifacts, ref: ArtifactRef | undefined): Promise<Record<string, number>> {
  if (ref === undefined || ref.size > limit('reportBytes')) return {}
  const coverage = readCoverage((await artifacts.read(ref.digest)).toString('utf8'))
  return coverage === undefined ? {} : { coverage }
}

async function readMetrics(artifacts: TaskArtifacts, ref: ArtifactRef | undefined): Promise<Record<string, number>> {
  if (ref === undefined || ref.size > limit('metricsBytes')) return {}
  return flattenMetrics((await artifacts.read(ref.digest)).toString('utf8'))
}

/** In the settling transaction; the same attempt settled again writes the same rows. */
export async function writeResults(
  writer: Writer,
  { run, step }: StepContext,
  data: unknown,
): Promise<readonly NewEvent[]> {
  const { tests, metrics } = data as RunResults
  await recordTestResults(writer, run.id, step.key, tests)
  await recordMetrics(writer, run.id, step.key, metrics)
  return []
}
