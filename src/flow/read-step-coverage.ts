import { attemptPlace } from '../engine/attempt-place.ts'
import type { StepContext } from '../engine/engine-options.ts'
import type { Finding } from '../build/find-findings.ts'
import { limit } from '../core/limits.ts'
import { namedReports } from '../reports/named-reports.ts'
import type { TaskArtifacts } from '../core/task.ts'
import type { ArtifactRef, TreeFile } from '../core/tree.ts'
import type { RunRow } from '../db/tables.ts'
import type { CoverageBase } from '../reports/coverage.sql.ts'
import type { ChangedLines, Coverage, FileHits } from '../reports/judge-coverage.ts'
import type { PlanStep } from '../core/plan.ts'
import type { CoverageReport } from '../reports/read-coverage.ts'

/** What a change is measured against: its base, and the lines it brought since. */
export interface ComparedChange {
  readonly base: CoverageBase
  readonly lines: ChangedLines
}

export interface CoverageNeeds {
  readonly artifacts: TaskArtifacts
  readonly dataFolder: string
  /** The files of the run's commit. */
  sourceFiles(run: Pick<RunRow, 'source_tree'>): Promise<readonly TreeFile[]>
  /** Undefined: there is nothing before it that has a coverage. */
  changeOf(run: RunRow): Promise<ComparedChange | undefined>
}

export interface ReadCoverage {
  readonly coverage?: Coverage
  /** In place of `coverage`, of a member of a split suite: what it did not run, another may have. */
  readonly share?: { readonly hits: FileHits; readonly changed: ChangedLines | undefined }
  readonly base?: CoverageBase
  readonly metrics: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
}

const MOST_STRETCHES = 50

/** The coverage reports of a step, as one: totals, files, and changed lines that no test ran. */
export async function readStepCoverage(
  needs: CoverageNeeds,
  context: StepContext,
  kept: Readonly<Record<string, ArtifactRef>>,
): Promise<ReadCoverage> {
  const { run, step, attempt } = context
  const reports: CoverageReport[] = []
  const findings: Finding[] = []
  const named = namedReports(step.reports.coverage ?? [], kept)
  for (const path of named.paths) {
    const read = await readOne(needs.artifacts, kept[path])
    if (read === undefined) continue
    if (typeof read === 'string') findings.push(warning(path, 1, `the report cannot be read: ${read}`))
    else reports.push(read)
  }
  if (reports.length === 0) return { metrics: {}, findings }
  const { hitsOf, judgeHits } = await import('../reports/judge-coverage.ts')
  const change = await needs.changeOf(run)
  const hits = hitsOf(reports, {
    workspace:
      attempt === undefined ? undefined : attemptPlace(needs.dataFolder, run, step.key, attempt.number).workspace,
    sources: new Set((await needs.sourceFiles(run)).map(({ path }) => path)),
  })
  if (hits.size === 0) {
    findings.push(warning(named.paths[0] ?? '', 1, 'the report names no file of the commit'))
    return { metrics: {}, findings }
  }
  const base = change === undefined ? {} : { base: change.base }
  if (isShare(step)) return { share: { hits, changed: change?.lines }, ...base, metrics: {}, findings }
  const coverage = judgeHits(hits, change?.lines)
  return { coverage, ...base, metrics: metricsOf(coverage), findings: [...findings, ...uncoveredFindings(coverage)] }
}

/** Of a suite whose tests are spread over the members of a matrix. */
export function isShare({ split, siblings }: Pick<PlanStep, 'split' | 'siblings'>): boolean {
  return split !== undefined && siblings !== undefined
}

export function metricsOf({ lines, covered }: Coverage): Record<string, number> {
  return lines === 0 ? {} : { coverage: covered / lines }
}

async function readOne(
  artifacts: TaskArtifacts,
  ref: ArtifactRef | undefined,
): Promise<CoverageReport | string | undefined> {
  if (ref === undefined) return undefined
  if (ref.size > limit('reportBytes')) return `it has ${ref.size} bytes; at most ${limit('reportBytes')} are read`
  try {
    const { readCoverage } = await import('../reports/read-coverage.ts')
    return await readCoverage((await artifacts.read(ref.digest)).toString('utf8'))
  } catch (error) {
    return (error as Error).message.replaceAll('\0', '')
  }
}

export function uncoveredFindings({ uncovered }: Coverage): Finding[] {
  return uncovered.slice(0, MOST_STRETCHES).map(({ file, from, to }) => {
    const what =
      from === to
        ? `line ${from}, which this change brings, is`
        : `lines ${from} to ${to}, which this change brings, are`
    return warning(file, from, `${what} run by no test`)
  })
}

function warning(file: string, line: number, message: string): Finding {
  return { severity: 'warning', file, line, column: 1, message }
}
