import type { Reader, Writer } from '../db/open-database.ts'

export interface TestName {
  readonly suite: string
  readonly name: string
}

export interface QuarantinedTest extends TestName {
  readonly reason: string
  readonly person: string
  readonly at: number
  readonly until: number
}

/** Neither suite nor name can hold it. */
export function testKey({ suite, name }: TestName): string {
  return `${suite}\0${name}`
}

/** How people write a test: `tests.unit.test_model::test_scale`. */
export function testId({ suite, name }: TestName): string {
  return `${suite}::${name}`
}

/** Keys of the tests whose failing is overlooked at `now`. */
export async function quarantinedNow(reader: Reader, project: string, now: number): Promise<Set<string>> {
  const rows = await reader
    .selectFrom('quarantined_tests')
    .select(['suite', 'name'])
    .where('project', '=', project)
    .where('until', '>', now)
    .execute()
  return new Set(rows.map(testKey))
}

/** Those that are in force and those whose time is over, the next to end first. */
export async function listQuarantined(reader: Reader, project: string): Promise<QuarantinedTest[]> {
  return reader
    .selectFrom('quarantined_tests')
    .select(['suite', 'name', 'reason', 'person', 'at', 'until'])
    .where('project', '=', project)
    .orderBy('until')
    .orderBy('suite')
    .orderBy('name')
    .limit(1_000)
    .execute()
}

/** Again: the new reason and time count. */
export async function putIntoQuarantine(writer: Writer, project: string, test: QuarantinedTest): Promise<void> {
  const { suite, name, reason, person, at, until } = test
  await writer
    .insertInto('quarantined_tests')
    .values({ project, suite, name, reason, person, at, until })
    .onConflict((conflict) => conflict.columns(['project', 'suite', 'name']).doUpdateSet({ reason, person, at, until }))
    .execute()
}

/** Whether it was in quarantine. */
export async function takeFromQuarantine(writer: Writer, project: string, { suite, name }: TestName): Promise<boolean> {
  const row = await writer
    .deleteFrom('quarantined_tests')
    .where('project', '=', project)
    .where('suite', '=', suite)
    .where('name', '=', name)
    .returning('name')
    .executeTakeFirst()
  return row !== undefined
}
