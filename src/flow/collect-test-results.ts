import { limit } from '../core/limits.ts'
import { forgetCoverageFiles } from '../reports/forget-coverage.sql.ts'
import { countResults, forgetResults } from '../reports/forget-results.sql.ts'
import { forgetTests, testedProjects } from '../reports/forget-tests.sql.ts'
import type { CollectedRow } from './collect-garbage.ts'
import type { Installation } from './installation.ts'

/**
 * What runs have said of single tests, past its time. A project that nobody works on keeps what it has: a test is
 * gone when the project's later runs do not report it.
 */
export async function collectTestResults(
  { database, keep }: Pick<Installation, 'database' | 'keep'>,
  now: number,
  dryRun: boolean,
): Promise<CollectedRow[]> {
  const since = now - (keep?.testMs ?? limit('testKeepMs'))
  const runs = keep?.testRuns ?? limit('testKeepRuns')
  const rows: CollectedRow[] = []
  for (const { project, lastAt } of await testedProjects(database.read)) {
    const all = await countResults(database.read, project)
    const goneBefore = lastAt - limit('testForgetMs')
    const gone = await forgetTests(database, project, goneBefore, dryRun)
    const { results, flakes } = await forgetResults(database, project, { since, runs, goneBefore }, dryRun)
    const coverages = await forgetCoverageFiles(database, project, { since, runs }, dryRun)
    const kept = all - gone.results - results
    const past = `past their time, and not among the newest ${runs} of their`
    rows.push(
      ...told(project, gone.tests, 'tests', 'no run of the project’s last year reported them'),
      ...told(project, results, 'results of tests', `${past} test`),
      ...told(project, flakes, 'signs of flaky tests', `${past} test`),
      ...told(project, coverages, 'coverages by file', `${past} step`),
      ...told(project, kept, 'results of tests', `within their time, or among the newest ${runs} of their test`, false),
    )
  }
  return rows
}

/** Rows of the database: their room is used again, and its file gets no smaller. */
function told(project: string, count: number, what: string, why: string, removed = true): CollectedRow[] {
  if (count === 0) return []
  const reason = removed ? why : `kept: ${why}`
  return [{ what: `${project}: ${count.toLocaleString('en')} ${what}`, why: reason, bytes: 0, removed }]
}
