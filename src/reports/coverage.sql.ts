import type { Reader, Writer } from '../db/open-database.ts'
import type { Coverage } from './judge-coverage.ts'

export interface CoveragePlace {
  readonly runId: string
  readonly step: string
  readonly project: string
  readonly branch: string
  readonly commit: string
  readonly at: number
  readonly base: CoverageBase | undefined
  /** Of a split suite. */
  readonly members?: { readonly reported: number; readonly of: number }
}

/** What a coverage is compared with. */
export interface CoverageBase {
  readonly run: string
  readonly commit: string
}

const BATCH = 500

export async function recordCoverage(
  writer: Writer,
  place: CoveragePlace,
  coverage: Coverage | undefined,
): Promise<void> {
  const { runId, step } = place
  for (const table of ['coverage', 'coverage_files'] as const)
    await writer.deleteFrom(table).where('run_id', '=', runId).where('step', '=', step).execute()
  if (coverage === undefined) return
  await writer
    .insertInto('coverage')
    .values({
      run_id: runId,
      step,
      project: place.project,
      branch: place.branch,
      commit_id: place.commit,
      at: place.at,
      ...countsOf(coverage),
      base_run: place.base?.run ?? null,
      base_commit: place.base?.commit ?? null,
      members: place.members?.reported ?? null,
      members_of: place.members?.of ?? null,
    })
    .execute()
  const rows = coverage.files.map((file) => ({ run_id: runId, step, path: file.path, ...countsOf(file) }))
  for (let start = 0; start < rows.length; start += BATCH) {
    await writer
      .insertInto('coverage_files')
      .values(rows.slice(start, start + BATCH))
      .execute()
  }
}

function countsOf({ lines, covered, changed }: Pick<Coverage, 'lines' | 'covered' | 'changed'>) {
  return { lines, covered, changed_lines: changed?.lines ?? null, changed_covered: changed?.covered ?? null }
}

/** The newest commits of a branch that have a coverage, each with its run. */
export async function recentCoverage(reader: Reader, project: string, branch: string): Promise<CoverageBase[]> {
  const rows = await reader
    .selectFrom('coverage')
    .select(['run_id', 'commit_id'])
    .where('project', '=', project)
    .where('branch', '=', branch)
    .orderBy('at', 'desc')
    .orderBy('run_id')
    .limit(200)
    .execute()
  return rows.map((row) => ({ run: row.run_id, commit: row.commit_id }))
}

export interface StepCoverage {
  readonly step: string
  readonly lines: number
  readonly covered: number
  readonly changedLines: number | null
  readonly changedCovered: number | null
  readonly baseRun: string | null
  readonly baseCommit: string | null
  /** The share that the same step had there, 0..1. */
  readonly baseShare: number | null
  /** Of a split suite: how many of its members have said what they covered. */
  readonly members: number | null
  readonly membersOf: number | null
}

export async function coverageOfRun(reader: Reader, runId: string): Promise<StepCoverage[]> {
  const rows = await reader
    .selectFrom('coverage as own')
    .leftJoin('coverage as base', (join) =>
      join.onRef('base.run_id', '=', 'own.base_run').onRef('base.step', '=', 'own.step'),
    )
    .select([
      'own.step',
      'own.lines',
      'own.covered',
      'own.changed_lines as changedLines',
      'own.changed_covered as changedCovered',
      'own.base_run as baseRun',
      'own.base_commit as baseCommit',
      'own.members',
      'own.members_of as membersOf',
      'base.lines as baseLines',
      'base.covered as baseCovered',
    ])
    .where('own.run_id', '=', runId)
    .orderBy('own.step')
    .limit(200)
    .execute()
  return rows.map(({ baseLines, baseCovered, ...row }) => ({
    ...row,
    baseShare: baseLines === null || baseCovered === null || baseLines === 0 ? null : baseCovered / baseLines,
  }))
}

export interface FileRow {
  readonly path: string
  readonly lines: number
  readonly covered: number
  readonly changedLines: number | null
  readonly changedCovered: number | null
  readonly baseLines: number | null
  readonly baseCovered: number | null
}

/** Files of one step's coverage by name, beside what they had in the run it is compared with. */
export async function coverageFiles(
  reader: Reader,
  place: { readonly runId: string; readonly step: string },
  page: { readonly after: string; readonly limit: number },
): Promise<FileRow[]> {
  const head = await reader
    .selectFrom('coverage')
    .select('base_run')
    .where('run_id', '=', place.runId)
    .where('step', '=', place.step)
    .executeTakeFirst()
  return reader
    .selectFrom('coverage_files as own')
    .leftJoin('coverage_files as base', (join) =>
      join
        .onRef('base.path', '=', 'own.path')
        .onRef('base.step', '=', 'own.step')
        .on('base.run_id', '=', head?.base_run ?? ''),
    )
    .select([
      'own.path',
      'own.lines',
      'own.covered',
      'own.changed_lines as changedLines',
      'own.changed_covered as changedCovered',
      'base.lines as baseLines',
      'base.covered as baseCovered',
    ])
    .where('own.run_id', '=', place.runId)
    .where('own.step', '=', place.step)
    .where('own.path', '>', page.after)
    .orderBy('own.path')
    .limit(page.limit)
    .execute()
}
