import type { Reader } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'
import type { TestName } from './quarantine.sql.ts'

export type KnownTest = Omit<Tables['known_tests'], 'project'>

export type TestChoice = 'all' | 'failing' | 'flaky' | 'slow'

/** Tests of a project: failing ones newest first, flaky ones the flakiest first, slow ones the slowest first. */
export async function listKnownTests(
  reader: Reader,
  project: string,
  choice: TestChoice,
  limit: number,
): Promise<KnownTest[]> {
  let query = reader.selectFrom('known_tests').selectAll().where('project', '=', project)
  if (choice === 'failing') query = query.where('state', 'in', ['failed', 'error']).orderBy('last_at', 'desc')
  if (choice === 'flaky') query = query.where('flakes', '>', 0).orderBy('flakes', 'desc')
  if (choice === 'slow') query = query.orderBy('seconds', 'desc')
  return query.orderBy('suite').orderBy('name').limit(limit).execute()
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
export async function historyOfTest(reader: Reader, project: string, { suite, name }: TestName, limit: number) {
  return reader
    .selectFrom('test_results')
    .select(['run_id', 'step', 'attempt', 'commit_id', 'at', 'state', 'seconds', 'retries', 'quarantined', 'message'])
    .where('project', '=', project)
    .where('suite', '=', suite)
    .where('name', '=', name)
    .where('fresh', '=', 1)
    .orderBy('at', 'desc')
    .orderBy('run_id', 'desc')
    .orderBy('step')
    .orderBy('attempt', 'desc')
    .limit(limit)
    .execute()
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
