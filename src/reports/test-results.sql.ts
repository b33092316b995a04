import type { Reader, Writer } from '../db/open-database.ts'
import type { TestResult } from './parse-junit.ts'

const BATCH = 500

/** What a step's reports say, in place of what its attempt before said. */
export async function recordTestResults(
  writer: Writer,
  runId: string,
  step: string,
  results: readonly TestResult[],
): Promise<void> {
  await writer.deleteFrom('test_results').where('run_id', '=', runId).where('step', '=', step).execute()
  const rows = results.map((result, position) => ({ run_id: runId, step, position, ...result }))
  for (let start = 0; start < rows.length; start += BATCH) {
    await writer
      .insertInto('test_results')
      .values(rows.slice(start, start + BATCH))
      .execute()
  }
}

export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export async function countTests(reader: Reader, runId: string): Promise<TestCounts> {
  const rows = await reader
    .selectFrom('test_results')
    .select(['state', ({ fn }) => fn.countAll<number>().as('count')])
    .where('run_id', '=', runId)
    .groupBy('state')
    .execute()
  const count = (...states: string[]) =>
    rows.filter(({ state }) => states.includes(state)).reduce((sum, row) => sum + row.count, 0)
  return { passed: count('passed'), failed: count('failed', 'error'), skipped: count('skipped') }
}

/** With message and lines, at most 200. */
export async function failedTests(reader: Reader, runId: string): Promise<(TestResult & { step: string })[]> {
  return reader
    .selectFrom('test_results')
    .select(['step', 'suite', 'name', 'state', 'seconds', 'message', 'detail'])
    .where('run_id', '=', runId)
    .where('state', 'in', ['failed', 'error'])
    .orderBy('step')
    .orderBy('position')
    .limit(200)
    .execute()
}
