import type { ExpressionBuilder } from 'kysely'
import type { Database, Reader, Writer } from '../db/open-database.ts'
import type { Tables } from '../db/tables.ts'
import type { TestName } from './quarantine.sql.ts'

/** Projects whose runs have reported tests, and when the last one did. */
export async function testedProjects(reader: Reader): Promise<{ project: string; lastAt: number }[]> {
  return reader
    .selectFrom('known_tests')
    .select(({ fn }) => ['project', fn.max<number>('last_at').as('lastAt')])
    .groupBy('project')
    .orderBy('project')
    .limit(100_000)
    .execute()
}

const PAGE = 50

export interface ForgottenTests {
  readonly tests: number
  /** Gone with them. */
  readonly results: number
}

/**
 * Tests that no run has reported since `before`: they were deleted or have another name now. Those in quarantine
 * stay, for somebody has to decide about them.
 */
export async function forgetTests(
  database: Database,
  project: string,
  before: number,
  dryRun: boolean,
): Promise<ForgottenTests> {
  if (dryRun) return countGone(database.read, project, before)
  let [tests, results] = [0, 0]
  for (;;) {
    const page = await forgetPage(database, project, before)
    tests += page.tests
    results += page.results
    if (page.tests < PAGE) return { tests, results }
  }
}

async function countGone(reader: Reader, project: string, before: number): Promise<ForgottenTests> {
  const { tests } = await reader
    .selectFrom('known_tests')
    .select(({ fn }) => fn.countAll<number>().as('tests'))
    .where(isGone(project, before))
    .executeTakeFirstOrThrow()
  const { results } = await reader
    .selectFrom('known_tests')
    .innerJoin('test_results', (join) =>
      join
        .onRef('test_results.project', '=', 'known_tests.project')
        .onRef('test_results.suite', '=', 'known_tests.suite')
        .onRef('test_results.name', '=', 'known_tests.name'),
    )
    .select(({ fn }) => fn.countAll<number>().as('results'))
    .where(isGone(project, before))
    .executeTakeFirstOrThrow()
  return { tests, results }
}

async function forgetPage(database: Database, project: string, before: number): Promise<ForgottenTests> {
  return database.write(async (writer) => {
    const tests = await writer
      .selectFrom('known_tests')
      .select(['suite', 'name'])
      .where(isGone(project, before))
      .orderBy('suite')
      .orderBy('name')
      .limit(PAGE)
      .execute()
    let results = 0
    for (const test of tests) results += await forgetTest(writer, project, test)
    return { tests: tests.length, results }
  })
}

/** Returns how many results it had. */
async function forgetTest(writer: Writer, project: string, { suite, name }: TestName): Promise<number> {
  let rows = 0n
  for (const table of ['known_tests', 'test_flakes', 'test_results'] as const) {
    const of = writer.deleteFrom(table).where('project', '=', project).where('suite', '=', suite)
    rows = (await of.where('name', '=', name).executeTakeFirstOrThrow()).numDeletedRows
  }
  return Number(rows)
}

export function isGone(project: string, before: number) {
  return (eb: ExpressionBuilder<Tables, 'known_tests'>) =>
    eb.and([
      eb('known_tests.project', '=', project),
      eb('known_tests.last_at', '<', before),
      eb.not(
        eb.exists(
          eb
            .selectFrom('quarantined_tests')
            .select('quarantined_tests.name')
            .whereRef('quarantined_tests.project', '=', 'known_tests.project')
            .whereRef('quarantined_tests.suite', '=', 'known_tests.suite')
            .whereRef('quarantined_tests.name', '=', 'known_tests.name'),
        ),
      ),
    ])
}
