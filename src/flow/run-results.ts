import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { recordFindings } from '../build/findings.sql.ts'
import type { Finding } from '../build/find-findings.ts'
import { ATTEMPT_FILES } from '../core/attempt-files.ts'
import type { CompletionRecord } from '../core/ports/executor.ts'
import { limit } from '../core/limits.ts'
import type { NewEvent } from '../core/events.ts'
import type { TaskArtifacts } from '../core/task.ts'
import type { ArtifactRef } from '../core/tree.ts'
import type { Database, Writer } from '../db/open-database.ts'
import type { EndedResults, StepContext } from '../engine/engine-options.ts'
import { recordCoverage } from '../reports/coverage.sql.ts'
import { judgeQuarantine, type ReadReport } from '../reports/judge-quarantine.ts'
import type { TestResult } from '../reports/parse-junit.ts'
import { isPattern, namedReports } from '../reports/named-reports.ts'
import { quarantinedNow } from '../reports/quarantine.sql.ts'
import { recordTestResults } from '../reports/test-results.sql.ts'
import { flattenMetrics, type FlatMetrics } from '../tracking/flatten-metrics.ts'
import { recordMetrics } from '../tracking/metrics.sql.ts'
import {
  isShare,
  metricsOf,
  readStepCoverage,
  uncoveredFindings,
  type CoverageNeeds,
  type ReadCoverage,
} from './read-step-coverage.ts'

export interface RunResults extends EndedResults {
  readonly tests: readonly TestResult[]
  readonly metrics: Readonly<Record<string, number>>
  readonly coverage: ReadCoverage
  readonly findings: readonly Finding[]
}

export interface ResultNeeds extends CoverageNeeds {
  readonly artifacts: TaskArtifacts
  readonly database: Database
  /** Blanks the step's secrets out of a text: a failing test often shows what it was given. */
  maskOf(context: StepContext): Promise<(text: string) => string>
}

/**
 * What an ended step left in files: JUnit reports, coverage and metrics. A report that cannot be read, or not
 * wholly, is a finding that says so; the step ends as its command did.
 */
export async function readResults(
  needs: ResultNeeds,
  context: StepContext,
  record: CompletionRecord,
): Promise<RunResults> {
  const { step } = context
  const kept = { ...record.kept, ...record.outs }
  const found: TestResult[] = []
  const reports: ReadReport[] = []
  const mask = await needs.maskOf(context)
  const named = namedReports(step.reports.junit ?? [], kept)
  for (const path of named.paths) {
    const read = await readReport(needs.artifacts, path, kept[path])
    const room = limit('reportCases') - found.length
    // Not by spreading: a call takes only so many arguments.
    for (const result of read.results.slice(0, room)) found.push(result)
    const trouble = read.trouble === undefined ? tooMany(read.results.length - room) : mask(read.trouble)
    reports.push({ path, ...(trouble === undefined ? {} : { trouble }) })
  }
  if (named.left > 0)
    reports.push({ path: named.paths[0] ?? '', trouble: `is one of too many: ${named.left} are not read` })
  const tests = maskTests(found, mask)
  const coverage = await readStepCoverage(needs, context, kept)
  const metrics: Record<string, number> = { ...record.taskOutput?.metrics, ...coverage.metrics }
  const findings = [...reports.flatMap((report) => reportFinding(report, kept)), ...coverage.findings]
  for (const path of step.metrics) {
    const read = await readMetrics(needs.artifacts, kept[path])
    Object.assign(metrics, maskNames(read.metrics, mask))
    if (read.trouble !== undefined) findings.push(metricsFinding(path, read.trouble, mask))
  }
  const verdict = await judge(needs, context, record, { reports, tests })
  return { tests, metrics, coverage, findings, ...verdict }
}

const SEPARATOR = '\u0001'

/** All texts at once: to begin with a masker costs more than to go on with one. */
function maskTests(tests: readonly TestResult[], mask: (text: string) => string): TestResult[] {
  const texts = tests.flatMap(({ suite, name, message, detail }) => [suite, name, message, detail])
  const masked = mask(texts.map((text) => text.replaceAll(SEPARATOR, '')).join(SEPARATOR)).split(SEPARATOR)
  return tests.map((test, at) => {
    const [suite = '', name = '', message = '', detail = ''] = masked.slice(at * 4, at * 4 + 4)
    return { ...test, suite, name, message, detail }
  })
}

async function readReport(
  artifacts: TaskArtifacts,
  path: string,
  ref: ArtifactRef | undefined,
): Promise<{ results: readonly TestResult[]; trouble?: string }> {
  if (ref === undefined) return { results: [], trouble: 'was not written' }
  if (ref.size > limit('reportBytes'))
    return {
      results: [],
      trouble: `cannot be read: it has ${ref.size} bytes; at most ${limit('reportBytes')} are read`,
    }
  try {
    const { parseJunit } = await import('../reports/parse-junit.ts')
    const { results, incomplete } = await parseJunit((await artifacts.read(ref.digest)).toString('utf8'))
    return { results, ...(incomplete === undefined ? {} : { trouble: `is not whole: ${incomplete}` }) }
  } catch (error) {
    // The reason may quote the report, and Postgres keeps no NUL in text.
    return { results: [], trouble: `cannot be read: ${(error as Error).message.replaceAll('\0', '')}` }
  }
}

function tooMany(left: number): string | undefined {
  return left > 0 ? `is not whole: ${left} cases are more than are kept of a step` : undefined
}

/** One that was not written is the step's own failure already. */
function reportFinding({ path, trouble }: ReadReport, kept: Readonly<Record<string, ArtifactRef>>): Finding[] {
  if (trouble === undefined || kept[path] === undefined) return []
  const message = `the report ${trouble}`
  const line = Number(/\(line (\d+)\)$/.exec(trouble)?.[1] ?? 1)
  return [{ severity: 'warning', file: path, line, column: 1, message }]
}

async function readMetrics(artifacts: TaskArtifacts, ref: ArtifactRef | undefined): Promise<FlatMetrics> {
  if (ref === undefined) return { metrics: {} }
  if (ref.size > limit('metricsBytes')) {
    const message = `it has ${ref.size} bytes; at most ${limit('metricsBytes')} are read`
    return { metrics: {}, trouble: { line: 1, column: 1, message } }
  }
  return flattenMetrics((await artifacts.read(ref.digest)).toString('utf8'))
}

function metricsFinding(
  file: string,
  { line, column, message }: NonNullable<FlatMetrics['trouble']>,
  mask: (text: string) => string,
): Finding {
  // Postgres keeps no NUL in text.
  const said = mask(message).replaceAll('\0', '')
  return { severity: 'warning', file, line, column, message: `the metrics cannot be read: ${said}` }
}

/** Names are what the step wrote, and become rows. */
function maskNames(metrics: Readonly<Record<string, number>>, mask: (text: string) => string): Record<string, number> {
  const names = Object.keys(metrics).map((name) => name.replaceAll(SEPARATOR, ''))
  const masked = mask(names.join(SEPARATOR)).split(SEPARATOR)
  return Object.fromEntries(Object.values(metrics).map((value, at) => [masked[at] ?? '', value]))
}

/** Whether all that went wrong are tests in quarantine; in doubt it is said why that is not enough. */
async function judge(
  needs: ResultNeeds,
  { run, step, attempt }: StepContext,
  record: CompletionRecord,
  read: { readonly reports: readonly ReadReport[]; readonly tests: readonly TestResult[] },
): Promise<EndedResults> {
  if (step.work.kind !== 'command' || attempt === undefined || record.outcome !== 'failed') return {}
  const quarantined = await quarantinedNow(needs.database.read, run.project, Date.now())
  if (quarantined.size === 0 || read.reports.length === 0) return {}
  const committed = new Map((await needs.sourceFiles(run)).map((file) => [file.path, file.digest]))
  const verdict = judgeQuarantine({
    run: step.work.run,
    exitCode: record.exitCode,
    endedByItself: record.reason === undefined || record.reason === 'exit',
    outs: step.outs,
    reports: [
      ...read.reports.map((report) =>
        committed.get(report.path) === record.kept[report.path]?.digest && committed.has(report.path)
          ? { ...report, trouble: 'is the file of the commit: the command did not write it' }
          : report,
      ),
      ...(step.reports.junit ?? [])
        .filter((name) => isPattern(name) && record.kept[name] === undefined)
        .map((path) => ({ path, trouble: 'is a pattern: nobody can know whether a file of it is missing' })),
    ],
    results: read.tests,
    quarantined,
    logTail: await tailOf(join(attempt.folder, ATTEMPT_FILES.log)),
  })
  if (verdict.kind === 'overlooked') return { overlook: verdict.why }
  return verdict.kind === 'in-doubt' ? { notOverlooked: verdict.why } : {}
}

const TAIL_BYTES = 64 << 10

async function tailOf(path: string): Promise<string> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES))
  await file.read(bytes, 0, bytes.length, size - bytes.length)
  return bytes.toString('utf8')
}

/** In the settling transaction. Of an attempt that is tried again only its tests are kept: they tell what is flaky. */
export async function writeResults(
  writer: Writer,
  context: StepContext,
  results: EndedResults,
  isLast: boolean,
): Promise<readonly NewEvent[]> {
  const { run, step, attempt } = context
  const { tests, metrics, coverage, findings } = results as RunResults
  const hasNone = tests.length + findings.length + Object.keys(metrics).length === 0
  // Only attempts before this one can have left rows that it would replace.
  if (hasNone && step.reports.coverage === undefined && (attempt?.number ?? 1) === 1) return []
  const at = Date.now()
  const common = { runId: run.id, project: run.project, commit: run.commit_id, step: step.key, at }
  await recordTestResults(writer, { ...common, attempt: attempt?.number ?? 0 }, tests)
  if (!isLast) return []
  await recordMetrics(writer, run.id, step.key, metrics)
  const uncovered = step.reports.coverage === undefined ? [] : await writeCoverage(writer, context, coverage, at)
  if (step.work.kind === 'command')
    await recordFindings(writer, { runId: run.id, step: step.key }, [...findings, ...uncovered])
  return []
}

/** Of a split suite the whole: what no member ran is told by the one that reports last. */
async function writeCoverage(
  writer: Writer,
  { run, step, plan }: StepContext,
  { coverage, share, base }: ReadCoverage,
  at: number,
): Promise<readonly Finding[]> {
  const place = { runId: run.id, project: run.project, commit: run.commit_id, branch: run.branch, at, base }
  if (!isShare(step)) {
    await recordCoverage(writer, { ...place, step: step.key }, coverage)
    return []
  }
  const suite = step.siblings?.of ?? step.key
  const members = plan.steps.filter(({ split, siblings }) => split !== undefined && siblings?.of === suite)
  if (share === undefined) return []
  const { addCoverageShare } = await import('../reports/coverage-shares.sql.ts')
  const own = { member: step.key, of: members.length, ...share }
  const whole = await addCoverageShare(writer, { ...place, step: suite }, own)
  await recordMetrics(writer, run.id, suite, metricsOf(whole.coverage))
  return whole.isWhole ? uncoveredFindings(whole.coverage) : []
}
