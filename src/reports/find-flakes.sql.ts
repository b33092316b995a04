import type { Reader } from '../db/open-database.ts'
import { testKey } from './quarantine.sql.ts'
import type { TestResult } from './parse-junit.ts'
import type { TestedAttempt } from './test-results.sql.ts'

/** A test that both failed and passed on the same code. */
export interface Flake {
  readonly suite: string
  readonly name: string
  readonly how: string
}

/** So many failing tests of one attempt are looked up; a suite that fails as a whole is not flaky but broken. */
const MOST_LOOKED_UP = 500

/**
 * Which of these results contradict what is known: the runner itself tried again and it passed, or the same
 * step said otherwise of the same commit, in an earlier attempt or another run.
 */
export async function findFlakes(
  reader: Reader,
  place: TestedAttempt,
  results: readonly TestResult[],
): Promise<Flake[]> {
  const flakes = new Map<string, Flake>()
  const tell = ({ suite, name }: TestResult, how: string) => {
    const key = testKey({ suite, name })
    if (!flakes.has(key)) flakes.set(key, { suite, name, how })
  }
  for (const result of results)
    if (result.retries > 0 && result.state === 'passed') tell(result, `passed after ${times(result.retries)}`)
  const passed = results.filter(({ state }) => state === 'passed')
  const failedBefore = await failuresOf(reader, place)
  for (const result of passed) {
    const before = failedBefore.get(testKey(result))
    if (before !== undefined) tell(result, `failed in ${before}, passed on the same commit`)
  }
  const failed = results.filter(({ state }) => state === 'failed' || state === 'error')
  for (const result of failed.slice(0, MOST_LOOKED_UP)) {
    const before = await passOf(reader, place, result)
    if (before !== undefined) tell(result, `passed in ${before}, failed on the same commit`)
  }
  return [...flakes.values()]
}

function times(count: number): string {
  return count === 1 ? 'one failed try' : `${count} failed tries`
}

/** Other attempts of the step at the commit. */
function others(reader: Reader, { project, commit, step, runId, attempt }: TestedAttempt) {
  return reader
    .selectFrom('test_results')
    .select(['suite', 'name', 'run_id', 'attempt'])
    .where('project', '=', project)
    .where('commit_id', '=', commit)
    .where('step', '=', step)
    .where('fresh', '=', 1)
    .where((eb) => eb.or([eb('run_id', '<>', runId), eb('attempt', '<>', attempt)]))
}

async function failuresOf(reader: Reader, place: TestedAttempt): Promise<Map<string, string>> {
  const rows = await others(reader, place)
    .where('state', 'in', ['failed', 'error'])
    .orderBy('at')
    .limit(MOST_LOOKED_UP)
    .execute()
  return new Map(rows.map((row) => [testKey(row), nameOf(row)]))
}

async function passOf(reader: Reader, place: TestedAttempt, test: TestResult): Promise<string | undefined> {
  const row = await others(reader, place)
    .where('suite', '=', test.suite)
    .where('name', '=', test.name)
    .where('state', '=', 'passed')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : nameOf(row)
}

function nameOf({ run_id, attempt }: { run_id: string; attempt: number }): string {
  return `${run_id}, attempt ${attempt}`
}
