import type { Reader, Writer } from '../db/open-database.ts'
import { findFlakes, type Flake } from './find-flakes.sql.ts'
import { quarantinedNow, testKey } from './quarantine.sql.ts'
import { recordCounts } from './tested-steps.sql.ts'
import type { TestResult } from './parse-junit.ts'

const BATCH = 400

/** An attempt whose reports are written down. */
export interface TestedAttempt {
  readonly runId: string
  readonly project: string
  readonly commit: string
  readonly step: string
  /** 0: nothing ran, the results were taken over from another run, and are no news of the tests. */
  readonly attempt: number
  readonly at: number
}

/**
 * What an attempt's reports say. It counts in place of the attempts before it, which are kept: a test that
 * ended otherwise on the same commit is flaky.
 */
export async function recordTestResults(
  writer: Writer,
  place: TestedAttempt,
  results: readonly TestResult[],
): Promise<void> {
  const { runId, step, attempt } = place
  const own = writer.deleteFrom('test_results').where('run_id', '=', runId).where('step', '=', step)
  await own.where('attempt', '=', attempt).execute()
  const earlier = writer.updateTable('test_results').set({ latest: 0 }).where('run_id', '=', runId)
  await earlier.where('step', '=', step).execute()
  if (results.length === 0) return recordCounts(writer, place, [])
  const quarantined = await quarantinedNow(writer, place.project, place.at)
  const rows = results.map((result, position) => ({
    run_id: runId,
    step,
    attempt,
    position,
    project: place.project,
    commit_id: place.commit,
    at: place.at,
    ...result,
    quarantined: isBad(result) && quarantined.has(testKey(result)) ? 1 : 0,
    latest: 1,
    fresh: attempt === 0 ? 0 : 1,
  }))
  for (const batch of batches(rows)) await writer.insertInto('test_results').values(batch).execute()
  await recordCounts(writer, place, rows)
  if (attempt === 0) return
  const flakes = await findFlakes(writer, place, results)
  await recordFlakes(writer, place, flakes)
  await recordKnown(writer, place, results, new Set(flakes.map(testKey)))
}

function isBad({ state }: Pick<TestResult, 'state'>): boolean {
  return state === 'failed' || state === 'error'
}

async function recordFlakes(writer: Writer, place: TestedAttempt, flakes: readonly Flake[]): Promise<void> {
  const rows = flakes.map(({ suite, name, how }) => ({
    project: place.project,
    suite,
    name,
    run_id: place.runId,
    step: place.step,
    commit_id: place.commit,
    how,
    at: place.at,
  }))
  for (const batch of batches(rows)) {
    await writer
      .insertInto('test_flakes')
      .values(batch)
      .onConflict((conflict) => conflict.columns(['project', 'suite', 'name', 'run_id', 'step']).doNothing())
      .execute()
  }
}

async function recordKnown(
  writer: Writer,
  place: TestedAttempt,
  results: readonly TestResult[],
  flaky: ReadonlySet<string>,
): Promise<void> {
  // Of two cases of one name, as some runners have them, the one that went wrong counts.
  const last = new Map<string, TestResult>()
  for (const result of results)
    if (!isBad(last.get(testKey(result)) ?? { state: 'passed' })) last.set(testKey(result), result)
  const rows = [...last].map(([key, { suite, name, file, state, seconds }]) => ({
    project: place.project,
    suite,
    name,
    file,
    state,
    seconds,
    runs: 1,
    failures: isBad({ state }) ? 1 : 0,
    flakes: flaky.has(key) ? 1 : 0,
    first_at: place.at,
    last_at: place.at,
    last_run: place.runId,
    last_step: place.step,
  }))
  for (const batch of batches(rows)) {
    await writer
      .insertInto('known_tests')
      .values(batch)
      .onConflict((conflict) =>
        conflict.columns(['project', 'suite', 'name']).doUpdateSet((eb) => ({
          file: eb.ref('excluded.file'),
          state: eb.ref('excluded.state'),
          seconds: eb
            .case()
            .when('excluded.state', '=', 'skipped')
            .then(eb.ref('known_tests.seconds'))
            .else(eb(eb('known_tests.seconds', '*', 0.7), '+', eb('excluded.seconds', '*', 0.3)))
            .end(),
          runs: eb('known_tests.runs', '+', 1),
          failures: eb('known_tests.failures', '+', eb.ref('excluded.failures')),
          flakes: eb('known_tests.flakes', '+', eb.ref('excluded.flakes')),
          last_at: eb.ref('excluded.last_at'),
          last_run: eb.ref('excluded.last_run'),
          last_step: eb.ref('excluded.last_step'),
        })),
      )
      .execute()
  }
}

function batches<Row>(rows: readonly Row[]): Row[][] {
  return Array.from({ length: Math.ceil(rows.length / BATCH) }, (_, i) => rows.slice(i * BATCH, (i + 1) * BATCH))
}

export interface FailedTest extends TestResult {
  readonly step: string
  readonly quarantined: boolean
}

/** With message and lines, at most 200; those in quarantine last. */
export async function failedTests(reader: Reader, runId: string): Promise<FailedTest[]> {
  const rows = await reader
    .selectFrom('test_results')
    .select(['step', 'suite', 'name', 'file', 'state', 'seconds', 'retries', 'message', 'detail', 'quarantined'])
    .where('run_id', '=', runId)
    .where('latest', '=', 1)
    .where('state', 'in', ['failed', 'error'])
    .orderBy('quarantined')
    .orderBy('step')
    .orderBy('position')
    .limit(200)
    .execute()
  return rows.map((row) => ({ ...row, quarantined: row.quarantined === 1 }))
}
