import { sql } from 'kysely'
import type { Reader } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'
import type { TestName } from './quarantine.sql.ts'

export type KnownTest = Omit<Tables['known_tests'], 'project'>

export type TestChoice = 'all' | 'failing' | 'failing-most' | 'flaky' | 'slow'

export interface TestQuestion {
  readonly only: TestChoice
  /** What suite and name must hold, in any case of letters; empty: nothing. */
  readonly search: string
  readonly limit: number
}

/**
 * Tests of a project: failing ones newest first; those that failed in most runs, the flakiest and the slowest
 * first.
 */
export async function listKnownTests(
  reader: Reader,
  project: string,
  { only, search, limit }: TestQuestion,
): Promise<KnownTest[]> {
  let query = reader.selectFrom('known_tests').selectAll().where('project', '=', project)
  if (search !== '') query = query.where(holds(search))
  if (only === 'failing') query = query.where('state', 'in', ['failed', 'error']).orderBy('last_at', 'desc')
  if (only === 'failing-most') query = query.where('failures', '>', 0).orderBy('failures', 'desc').orderBy('runs')
  if (only === 'flaky') query = query.where('flakes', '>', 0).orderBy('flakes', 'desc')
  if (only === 'slow') query = query.orderBy('seconds', 'desc')
  return query.orderBy('suite').orderBy('name').limit(limit).execute()
}

function holds(text: string) {
  const wanted = `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
  return sql<boolean>`lower(suite || '::' || name) like lower(${wanted}) escape '\\'`
}

export interface KnownCounts {
  readonly all: number
  readonly failing: number
  readonly flaky: number
}

export async function countKnownTests(reader: Reader, project: string): Promise<KnownCounts> {
  const row = await reader
    .selectFrom('known_tests')
    .select(({ fn }) => [
      fn.countAll<number>().as('all'),
      fn.countAll<number>().filterWhere('state', 'in', ['failed', 'error']).as('failing'),
      fn.countAll<number>().filterWhere('flakes', '>', 0).as('flaky'),
    ])
    .where('project', '=', project)
    .executeTakeFirstOrThrow()
  return row
}

/** Every test with this name, in any suite, or exactly the one in `suite`. */
export async function findKnownTests(
  reader: Reader,
  project: string,
  { suite, name }: { readonly suite?: string; readonly name: string },
): Promise<KnownTest[]> {
  const query = reader
    .selectFrom('known_tests')
    .selectAll()
    .where('project', '=', project)
    .where('name', '=', name)
    .orderBy('suite')
    .limit(20)
  return (suite === undefined ? query : query.where('suite', '=', suite)).execute()
}

/** What its runs said, newest first. */
export async function historyOfTest(reader: Reader, project: string, test: TestName, limit: number) {
  return newestResults(reader, project, test)
    .leftJoin('runs', 'runs.id', 'test_results.run_id')
    .select(['test_results.run_id', 'step', 'attempt', 'test_results.commit_id', 'branch', 'at', 'test_results.state'])
    .select(['seconds', 'retries', 'quarantined', 'message'])
    .limit(limit)
    .execute()
}

/** How its last runs ended, newest first. */
export async function recentResults(reader: Reader, project: string, test: TestName, limit: number) {
  return newestResults(reader, project, test).select(['run_id as run', 'state', 'seconds']).limit(limit).execute()
}

/** What it said when it failed, newest first. */
export async function failuresOfTest(reader: Reader, project: string, test: TestName, limit: number) {
  return newestResults(reader, project, test)
    .select(['run_id', 'step', 'attempt', 'at', 'message', 'detail'])
    .where('state', 'in', ['failed', 'error'])
    .limit(limit)
    .execute()
}

/** Results of one test that were not taken from the cache. */
function newestResults(reader: Reader, project: string, { suite, name }: TestName) {
  return reader
    .selectFrom('test_results')
    .where('test_results.project', '=', project)
    .where('test_results.suite', '=', suite)
    .where('test_results.name', '=', name)
    .where('test_results.fresh', '=', 1)
    .orderBy('test_results.at', 'desc')
    .orderBy('test_results.run_id', 'desc')
    .orderBy('test_results.step')
    .orderBy('test_results.attempt', 'desc')
}

/** When and how it was flaky, newest first. */
export async function flakesOfTest(reader: Reader, project: string, { suite, name }: TestName, limit: number) {
  return reader
    .selectFrom('test_flakes')
    .select(['run_id', 'step', 'commit_id', 'how', 'at'])
    .where('project', '=', project)
    .where('suite', '=', suite)
    .where('name', '=', name)
    .orderBy('at', 'desc')
    .orderBy('run_id')
    .orderBy('step')
    .limit(limit)
    .execute()
}

/** How long the tests of each suite and file take together: what a suite is split by. */
export async function secondsOfSuites(
  reader: Reader,
  project: string,
): Promise<{ suite: string; file: string; seconds: number }[]> {
  return reader
    .selectFrom('known_tests')
    .select(['suite', 'file', ({ fn }) => fn.sum<number>('seconds').as('seconds')])
    .where('project', '=', project)
    .groupBy(['suite', 'file'])
    .orderBy('suite')
    .orderBy('file')
    .limit(20_000)
    .execute()
}
