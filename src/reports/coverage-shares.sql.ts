import type { Writer } from '../db/open-database.ts'
import { recordCoverage, type CoveragePlace } from './coverage.sql.ts'
import { judgeHits, mergeHits, type ChangedLines, type Coverage, type FileHits } from './judge-coverage.ts'
import { readHits, writeHits } from './line-ranges.ts'

export interface CoverageShare {
  /** Key of the step that ran it; `place.step` is the suite. */
  readonly member: string
  /** Members that the suite has. */
  readonly of: number
  readonly hits: FileHits
  readonly changed: ChangedLines | undefined
}

export interface SuiteCoverage {
  readonly coverage: Coverage
  /** All members have said what they ran: what is not covered now no test ran. */
  readonly isWhole: boolean
}

const BATCH = 500
const PAGE = 2_000

/**
 * Adds what one member of a split suite ran to what the others did. Members may end in the same moment: each
 * first takes the suite's row, so that whoever comes second sees what the first has written.
 */
export async function addCoverageShare(
  writer: Writer,
  place: CoveragePlace,
  { member, of, hits, changed }: CoverageShare,
): Promise<SuiteCoverage> {
  await takeRow(writer, place)
  await replaceShare(writer, place, member, hits)
  const { merged, members } = await mergeShares(writer, place)
  const coverage = judgeHits(merged, changed)
  await recordCoverage(writer, { ...place, members: { reported: members, of } }, coverage)
  return { coverage, isWhole: members === of }
}

async function takeRow(writer: Writer, { runId, step, project, branch, commit, at }: CoveragePlace): Promise<void> {
  await writer
    .insertInto('coverage')
    .values({ run_id: runId, step, project, branch, commit_id: commit, at, lines: 0, covered: 0 })
    .onConflict((conflict) => conflict.columns(['run_id', 'step']).doUpdateSet({ at }))
    .execute()
}

async function replaceShare(
  writer: Writer,
  { runId, step }: CoveragePlace,
  member: string,
  hits: FileHits,
): Promise<void> {
  await writer
    .deleteFrom('coverage_shares')
    .where('run_id', '=', runId)
    .where('step', '=', step)
    .where('member', '=', member)
    .execute()
  const rows = [...hits].map(([path, lines]) => ({ run_id: runId, step, member, path, hits: writeHits(lines) }))
  for (let start = 0; start < rows.length; start += BATCH) {
    await writer
      .insertInto('coverage_shares')
      .values(rows.slice(start, start + BATCH))
      .execute()
  }
}

async function mergeShares(writer: Writer, { runId, step }: CoveragePlace) {
  const merged = new Map<string, Map<number, number>>()
  const members = new Set<string>()
  let last = { member: '', path: '' }
  for (;;) {
    const { member, path } = last
    const rows = await writer
      .selectFrom('coverage_shares')
      .select(['member', 'path', 'hits'])
      .where('run_id', '=', runId)
      .where('step', '=', step)
      .where((where) =>
        where.or([where('member', '>', member), where.and([where('member', '=', member), where('path', '>', path)])]),
      )
      .orderBy('member')
      .orderBy('path')
      .limit(PAGE)
      .execute()
    for (const row of rows) {
      members.add(row.member)
      mergeHits(merged, row.path, readHits(row.hits))
    }
    const next = rows.at(-1)
    if (next === undefined) return { merged, members: members.size }
    last = next
  }
}
