import type { ExpressionBuilder } from 'kysely'
import type { Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'
import type { TestResult } from './parse-junit.ts'
import type { TestedAttempt } from './test-results.sql.ts'

export interface TestCounts {
  readonly passed: number
  /** Those in quarantine are not among them. */
  readonly failed: number
  readonly skipped: number
  readonly quarantined: number
}

/** Of the attempt that counts, in place of the one before it. */
export async function recordCounts(
  writer: Writer,
  { runId, step, project, attempt, at }: TestedAttempt,
  results: readonly (Pick<TestResult, 'state' | 'seconds'> & { readonly quarantined: number })[],
): Promise<void> {
  await writer.deleteFrom('tested_steps').where('run_id', '=', runId).where('step', '=', step).execute()
  if (results.length === 0) return
  const quarantined = results.filter((result) => result.quarantined === 1).length
  const count = (...states: string[]) => results.filter(({ state }) => states.includes(state)).length
  await writer
    .insertInto('tested_steps')
    .values({
      run_id: runId,
      step,
      project,
      at,
      passed: count('passed'),
      failed: count('failed', 'error') - quarantined,
      skipped: count('skipped'),
      quarantined,
      seconds: results.reduce((sum, { seconds }) => sum + seconds, 0),
      fresh: attempt === 0 ? 0 : 1,
    })
    .execute()
}

export async function countTests(reader: Reader, runId: string): Promise<TestCounts> {
  const { passed, failed, skipped, quarantined } = await reader
    .selectFrom('tested_steps')
    .select((eb) => [
      total(eb, 'passed').as('passed'),
      total(eb, 'failed').as('failed'),
      total(eb, 'skipped').as('skipped'),
      total(eb, 'quarantined').as('quarantined'),
    ])
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow()
  return { passed: passed ?? 0, failed: failed ?? 0, skipped: skipped ?? 0, quarantined: quarantined ?? 0 }
}

/** Postgres sums whole numbers to another kind of number. Null where there is no row. */
function total(eb: ExpressionBuilder<Tables, 'tested_steps'>, column: 'passed' | 'failed' | 'skipped' | 'quarantined') {
  return eb.cast<number | null>(eb.fn.sum(`tested_steps.${column}`), 'bigint')
}
export interface TestedRun extends TestCounts {
  readonly run: string
  readonly branch: string
  readonly commit: string
  readonly at: number
  readonly seconds: number
}

/** What became of the tests of a project's last runs, newest first. Steps that were taken from the cache ran none. */
export async function listTestedRuns(reader: Reader, project: string, limit: number): Promise<TestedRun[]> {
  return reader
    .selectFrom('tested_steps')
    .innerJoin('runs', 'runs.id', 'tested_steps.run_id')
    .select((eb) => [
      'runs.id as run',
      'runs.branch',
      'runs.commit_id as commit',
      'runs.created_at as at',
      total(eb, 'passed').$notNull().as('passed'),
      total(eb, 'failed').$notNull().as('failed'),
      total(eb, 'skipped').$notNull().as('skipped'),
      total(eb, 'quarantined').$notNull().as('quarantined'),
      eb.fn.sum<number>('seconds').as('seconds'),
    ])
    .where('tested_steps.project', '=', project)
    .where('fresh', '=', 1)
    .groupBy(['runs.id', 'runs.branch', 'runs.commit_id', 'runs.created_at', 'runs.number'])
    .orderBy('runs.number', 'desc')
    .limit(limit)
    .execute()
}
