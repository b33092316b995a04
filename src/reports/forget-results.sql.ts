import type { ExpressionBuilder } from 'kysely'
import type { Database, Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'
import { isGone } from './forget-tests.sql.ts'
import type { TestName } from './quarantine.sql.ts'

export interface ResultsToKeep {
  /** Results from before it go, unless they are among the newest of their test. */
  readonly since: number
  /** So many of the newest results of each test stay, however old they are. */
  readonly runs: number
  /** Tests that were not reported since are forgotten as a whole. */
  readonly goneBefore: number
}

export interface ForgottenResults {
  readonly results: number
  readonly flakes: number
}

const PAGE = 50

/**
 * Results of single tests that are past their time. Of each test its newest stay, and all that were said of a
 * commit on which it is known as flaky: they are what shows it. A page of tests is one transaction, so that
 * runs go on beside it; the figures of each run are rows of their own and stay.
 */
export async function forgetResults(
  database: Database,
  project: string,
  keep: ResultsToKeep,
  dryRun: boolean,
): Promise<ForgottenResults> {
  let [results, flakes] = [0, 0]
  for await (const page of testsWithOldResults(database.read, project, keep)) {
    const forgotten = dryRun
      ? await forEach(page, (test) => countOld(database.read, project, test, keep))
      : await database.write((writer) => forEach(page, (test) => forgetOld(writer, project, test, keep)))
    results += forgotten.results
    flakes += forgotten.flakes
  }
  return { results, flakes }
}

export async function countResults(reader: Reader, project: string): Promise<number> {
  const { rows } = await reader
    .selectFrom('test_results')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .where('project', '=', project)
    .executeTakeFirstOrThrow()
  return rows
}

async function forEach(
  tests: readonly TestName[],
  forget: (test: TestName) => Promise<ForgottenResults>,
): Promise<ForgottenResults> {
  let [results, flakes] = [0, 0]
  for (const test of tests) {
    const one = await forget(test)
    results += one.results
    flakes += one.flakes
  }
  return { results, flakes }
}

async function* testsWithOldResults(
  reader: Reader,
  project: string,
  { since, goneBefore }: ResultsToKeep,
): AsyncGenerator<TestName[]> {
  let last: TestName = { suite: '', name: '' }
  for (;;) {
    const { suite, name } = last
    const tests = await reader
      .selectFrom('test_results')
      .select(['suite', 'name'])
      .where('project', '=', project)
      .where('suite', '>=', suite)
      .where((eb) => eb.or([eb('suite', '>', suite), eb('name', '>', name)]))
      .where('at', '<', since)
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('known_tests')
              .select('known_tests.name')
              .whereRef('known_tests.suite', '=', 'test_results.suite')
              .whereRef('known_tests.name', '=', 'test_results.name')
              .where(isGone(project, goneBefore)),
          ),
        ),
      )
      .groupBy(['suite', 'name'])
      .orderBy('suite')
      .orderBy('name')
      .limit(PAGE)
      .execute()
    const next = tests.at(-1)
    if (next === undefined) return
    yield tests
    last = next
  }
}

async function countOld(
  reader: Reader,
  project: string,
  test: TestName,
  keep: ResultsToKeep,
): Promise<ForgottenResults> {
  const before = await boundsOf(reader, project, test, keep)
  const results = await reader
    .selectFrom('test_results')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .where(oldResults(project, test, before))
    .executeTakeFirstOrThrow()
  const flakes = await reader
    .selectFrom('test_flakes')
    .select(({ fn }) => fn.countAll<number>().as('rows'))
    .where(oldFlakes(project, test, before))
    .executeTakeFirstOrThrow()
  return { results: results.rows, flakes: flakes.rows }
}

async function forgetOld(
  writer: Writer,
  project: string,
  test: TestName,
  keep: ResultsToKeep,
): Promise<ForgottenResults> {
  const before = await boundsOf(writer, project, test, keep)
  const results = await writer
    .deleteFrom('test_results')
    .where(oldResults(project, test, before))
    .executeTakeFirstOrThrow()
  const flakes = await writer
    .deleteFrom('test_flakes')
    .where(oldFlakes(project, test, before))
    .executeTakeFirstOrThrow()
  return { results: Number(results.numDeletedRows), flakes: Number(flakes.numDeletedRows) }
}

/** What is older than these goes. */
interface Bounds {
  readonly results: number
  /** Of results that were taken over from another run: they are no news of the test. */
  readonly takenOver: number
  readonly flakes: number
}

async function boundsOf(
  reader: Reader,
  project: string,
  { suite, name }: TestName,
  { since, runs }: ResultsToKeep,
): Promise<Bounds> {
  const newest = (table: 'test_results' | 'test_flakes') =>
    reader
      .selectFrom(table)
      .select('at')
      .where('project', '=', project)
      .where('suite', '=', suite)
      .where('name', '=', name)
      .orderBy('at', 'desc')
      .offset(runs - 1)
      .limit(1)
  const result = await newest('test_results').where('fresh', '=', 1).executeTakeFirst()
  const flake = await newest('test_flakes').executeTakeFirst()
  return {
    results: Math.min(since, result?.at ?? 0),
    takenOver: since,
    flakes: Math.min(since, flake?.at ?? 0),
  }
}

function oldResults(project: string, { suite, name }: TestName, before: Bounds) {
  return (eb: ExpressionBuilder<Tables, 'test_results'>) =>
    eb.and([
      eb('test_results.project', '=', project),
      eb('test_results.suite', '=', suite),
      eb('test_results.name', '=', name),
      eb.or([
        eb('test_results.at', '<', before.results),
        eb.and([eb('test_results.at', '<', before.takenOver), eb('test_results.fresh', '=', 0)]),
      ]),
      eb.not(
        eb.exists(
          eb
            .selectFrom('test_flakes')
            .select('test_flakes.how')
            .whereRef('test_flakes.commit_id', '=', 'test_results.commit_id')
            .where('test_flakes.project', '=', project)
            .where('test_flakes.suite', '=', suite)
            .where('test_flakes.name', '=', name)
            .where('test_flakes.at', '>=', before.flakes),
        ),
      ),
    ])
}

function oldFlakes(project: string, { suite, name }: TestName, before: Bounds) {
  return (eb: ExpressionBuilder<Tables, 'test_flakes'>) =>
    eb.and([eb('project', '=', project), eb('suite', '=', suite), eb('name', '=', name), eb('at', '<', before.flakes)])
}
