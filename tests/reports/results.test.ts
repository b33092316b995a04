import { describe, expect, test } from 'vitest'
import type { Database } from '../../src/db/open-database.ts'
import { addCoverageShare } from '../../src/reports/coverage-shares.sql.ts'
import { readHits } from '../../src/reports/line-ranges.ts'
import { coverageFiles, coverageOfRun, recordCoverage } from '../../src/reports/coverage.sql.ts'
import { countKnownTests, flakesOfTest, historyOfTest, listKnownTests } from '../../src/reports/known-tests.sql.ts'
import type { TestResult } from '../../src/reports/parse-junit.ts'
import { putIntoQuarantine, quarantinedNow, takeFromQuarantine } from '../../src/reports/quarantine.sql.ts'
import { failedTests, recordTestResults } from '../../src/reports/test-results.sql.ts'
import { countTests } from '../../src/reports/tested-steps.sql.ts'
import { metricsOf, recordMetrics } from '../../src/tracking/metrics.sql.ts'
import { DATABASES, openTestDatabase } from '../harness/databases.ts'

const result = (name: string, state: TestResult['state'], more: Partial<TestResult> = {}): TestResult => ({
  suite: 's',
  name,
  file: '',
  state,
  seconds: 0.5,
  retries: 0,
  message: state === 'failed' ? 'assert 1 == 2' : '',
  detail: 'a.py:1',
  ...more,
})

const place = { runId: 'p#1', project: 'p', commit: 'c1', step: 'unit', attempt: 1, at: 1_000 }

function record(database: Database, where: Partial<typeof place>, ...results: TestResult[]): Promise<void> {
  return database.write((writer) => recordTestResults(writer, { ...place, ...where }, results))
}

describe.each(DATABASES)('on %s', (kind) => {
  test('test results are kept per step, and those of the last attempt count', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened

    await record(database, {}, result('a', 'failed'), result('b', 'failed'))
    await record(database, { attempt: 2 }, result('a', 'passed'), result('b', 'failed'), result('c', 'skipped'))
    await record(database, { step: 'contract' }, result('d', 'error'))
    await record(database, { runId: 'p#2' }, ...Array.from({ length: 1_200 }, (_, i) => result(`t${i}`, 'passed')))

    expect(await countTests(database.read, 'p#1')).toEqual({ passed: 1, failed: 2, skipped: 1, quarantined: 0 })
    expect(await countTests(database.read, 'p#2')).toEqual({ passed: 1_200, failed: 0, skipped: 0, quarantined: 0 })
    expect(await failedTests(database.read, 'p#1')).toEqual([
      { step: 'contract', ...result('d', 'error'), quarantined: false },
      { step: 'unit', ...result('b', 'failed'), quarantined: false },
    ])
  })

  test('a test that failed and passed on the same code is flaky, and one that a change mended is not', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened

    await record(database, {}, result('by attempt', 'failed'), result('by run', 'passed'), result('mended', 'failed'))
    await record(database, { attempt: 2, at: 2_000 }, result('by attempt', 'passed'), result('by run', 'passed'))
    await record(database, { runId: 'p#2', at: 3_000 }, result('by run', 'error'))
    await record(database, { runId: 'p#3', step: 'other', at: 3_500 }, result('mended', 'passed'))
    await record(database, { runId: 'p#4', commit: 'c2', at: 4_000 }, result('mended', 'passed'))
    await record(database, { runId: 'p#5', commit: 'c3', at: 5_000 }, result('by itself', 'passed', { retries: 2 }))

    const flaky = await listKnownTests(database.read, 'p', { only: 'flaky', search: '', limit: 10 })
    expect(flaky.map(({ name, flakes }) => [name, flakes])).toEqual([
      ['by attempt', 1],
      ['by itself', 1],
      ['by run', 1],
    ])
    const how = async (name: string) =>
      (await flakesOfTest(database.read, 'p', { suite: 's', name }, 10)).map((one) => one.how)
    expect(await how('by attempt')).toEqual(['failed in p#1, attempt 1, passed on the same commit'])
    expect(await how('by run')).toEqual([expect.stringMatching(/^passed in p#1, attempt [12], failed on the same/)])
    expect(await how('by itself')).toEqual(['passed after 2 failed tries'])
  })

  test('a test is known by its runs; results that were taken over from another run are no news of it', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened

    await record(database, {}, result('a', 'passed', { seconds: 1 }))
    await record(database, { runId: 'p#2', commit: 'c2', at: 2_000 }, result('a', 'failed', { seconds: 2 }))
    await record(database, { runId: 'p#3', commit: 'c3', at: 3_000, attempt: 0 }, result('a', 'passed'))
    await record(database, { runId: 'p#4', commit: 'c4', at: 4_000 }, result('a', 'skipped', { seconds: 0 }))
    await record(database, { runId: 'q#1', project: 'q' }, result('a', 'passed'))

    const [known] = await listKnownTests(database.read, 'p', { only: 'all', search: '', limit: 10 })
    expect(known).toMatchObject({ state: 'skipped', runs: 3, failures: 1, first_at: 1_000, last_run: 'p#4' })
    expect(known?.seconds).toBeCloseTo(1.3)
    const history = await historyOfTest(database.read, 'p', { suite: 's', name: 'a' }, 10)
    expect(history.map((row) => [row.run_id, row.state])).toEqual([
      ['p#4', 'skipped'],
      ['p#2', 'failed'],
      ['p#1', 'passed'],
    ])
    expect(await countTests(database.read, 'p#3')).toMatchObject({ passed: 1 })
  })

  test('tests are found by a part of their name, in any case of letters, whatever signs are in it', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    const names = ['test_Scale[50%-a\\b]', 'test_scale[5-a]', 'testXscale', 'other']
    await record(database, {}, ...names.map((name) => result(name, name === 'other' ? 'failed' : 'passed')))
    await record(database, { runId: 'p#2', commit: 'c2' }, result('other', 'failed'), result('testXscale', 'failed'))

    const found = async (search: string) =>
      (await listKnownTests(database.read, 'p', { only: 'all', search, limit: 10 })).map(({ name }) => name).toSorted()
    const often = await listKnownTests(database.read, 'p', { only: 'failing-most', search: '', limit: 10 })

    expect(await found('TEST_SCALE')).toEqual(['test_Scale[50%-a\\b]', 'test_scale[5-a]'])
    expect(await found('50%-a\\')).toEqual(['test_Scale[50%-a\\b]'])
    expect(await found('s::other')).toEqual(['other'])
    expect(await found('%')).toEqual(['test_Scale[50%-a\\b]'])
    expect(often.map(({ name, failures }) => [name, failures])).toEqual([
      ['other', 2],
      ['testXscale', 1],
    ])
    expect(await countKnownTests(database.read, 'p')).toEqual({ all: 4, failing: 2, flaky: 0 })
  })

  test('two cases of one name in one report are one known test, which failed when one of them did', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened

    await record(database, {}, result('twice', 'failed'), result('twice', 'passed'))

    expect(await listKnownTests(database.read, 'p', { only: 'failing', search: '', limit: 10 })).toMatchObject([
      { name: 'twice', runs: 1 },
    ])
  })

  test('a quarantine holds until its time is over or somebody ends it', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    const put = (name: string, until: number) =>
      database.write((writer) =>
        putIntoQuarantine(writer, 'p', { suite: 's', name, reason: 'r', person: 'ana', at: 1, until }),
      )
    await put('long', 9_000)
    await put('short', 2_000)
    await put('short', 3_000)

    await record(database, {}, result('long', 'failed'), result('short', 'failed'), result('b', 'failed'))
    await record(database, { runId: 'p#2', at: 3_000 }, result('long', 'failed'), result('short', 'failed'))

    expect(await countTests(database.read, 'p#1')).toMatchObject({ failed: 1, quarantined: 2 })
    expect(await countTests(database.read, 'p#2')).toMatchObject({ failed: 1, quarantined: 1 })
    const take = () => database.write((writer) => takeFromQuarantine(writer, 'p', { suite: 's', name: 'long' }))
    expect([await take(), await take()]).toEqual([true, false])
    expect((await quarantinedNow(database.read, 'p', 2_500)).size).toBe(1)
  })

  test('coverage stands beside that of the run it is compared with', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    const at = { step: 'unit', project: 'p', branch: 'main', at: 1 }
    const file = (path: string, covered: number) => ({ path, lines: 10, covered, changed: { lines: 2, covered: 1 } })
    const whole = (covered: number, ...files: ReturnType<typeof file>[]) => {
      return { lines: 10 * files.length, covered, changed: { lines: 2, covered: 1 }, files, uncovered: [] }
    }
    const base = { run: 'p#1', commit: 'c1' }

    await database.write(async (writer) => {
      await recordCoverage(writer, { ...at, runId: 'p#1', commit: 'c1', base: undefined }, whole(8, file('a.py', 8)))
      const now = whole(12, file('a.py', 5), file('b.py', 7))
      await recordCoverage(writer, { ...at, runId: 'p#2', commit: 'c2', base }, now)
      await recordCoverage(writer, { ...at, runId: 'p#2', commit: 'c2', base }, now)
    })

    expect(await coverageOfRun(database.read, 'p#2')).toEqual([
      {
        step: 'unit',
        lines: 20,
        covered: 12,
        changedLines: 2,
        changedCovered: 1,
        baseRun: 'p#1',
        baseCommit: 'c1',
        baseShare: 0.8,
        members: null,
        membersOf: null,
      },
    ])
    const files = await coverageFiles(database.read, { runId: 'p#2', step: 'unit' }, { after: '', limit: 10 })
    expect(files.map(({ path, covered, baseCovered }) => [path, covered, baseCovered])).toEqual([
      ['a.py', 5, 8],
      ['b.py', 7, null],
    ])
  })

  test('what the members of a split suite ran is added up by lines, beside the whole suite of the base', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    const at = { step: 'unit', project: 'p', branch: 'main', at: 1 }
    const ran = (path: string, lines: string) => [path, readHits(lines)] as const
    const changed = new Map([['a.py', new Set([2, 4, 6])]])
    const add = (run: number, member: number, ...files: (readonly [string, Map<number, number>])[]) => {
      const base = run === 1 ? undefined : { run: 'p#1', commit: 'c1' }
      const share = { member: `unit (${member})`, of: 2, hits: new Map(files), changed: base && changed }
      const place = { ...at, runId: `p#${run}`, commit: `c${run}`, base }
      return database.write((writer) => addCoverageShare(writer, place, share))
    }

    await Promise.all([add(1, 1, ran('a.py', '1-2;3-4')), add(1, 2, ran('a.py', '2-3;1,4'))])
    const first = await add(2, 1, ran('a.py', '1-2;3-6'), ran('b.py', '1;2'))
    const half = await coverageOfRun(database.read, 'p#2')
    await add(2, 2, ran('a.py', ';1-6'))
    const again = await add(2, 2, ran('a.py', '4;1-3,5-6'), ran('b.py', '2;1'))

    expect(await coverageOfRun(database.read, 'p#1')).toMatchObject([
      { step: 'unit', lines: 4, covered: 3, members: 2 },
    ])
    expect(first.isWhole).toBe(false)
    expect(half).toMatchObject([{ lines: 8, covered: 3, members: 1, membersOf: 2, baseShare: 0.75 }])
    expect(again).toMatchObject({ isWhole: true, coverage: { uncovered: [{ file: 'a.py', from: 6, to: 6 }] } })
    expect(await coverageOfRun(database.read, 'p#2')).toMatchObject([
      { step: 'unit', lines: 8, covered: 5, changedLines: 3, changedCovered: 2, members: 2, membersOf: 2 },
    ])
    const files = await coverageFiles(database.read, { runId: 'p#2', step: 'unit' }, { after: '', limit: 10 })
    expect(files.map(({ path, covered, baseCovered }) => [path, covered, baseCovered])).toEqual([
      ['a.py', 3, 3],
      ['b.py', 2, null],
    ])
  })

  test('metrics are kept per step, and a later attempt replaces them', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened

    await database.write(async (writer) => {
      await recordMetrics(writer, 'p#1', 'train', { loss: 0.5, old: 1 })
      await recordMetrics(writer, 'p#1', 'train', { loss: 0.25 })
      await recordMetrics(writer, 'p#1', 'evaluation', { accuracy: 0.9 })
    })

    expect(await metricsOf(database.read, 'p#1')).toEqual([
      { step: 'evaluation', name: 'accuracy', value: 0.9 },
      { step: 'train', name: 'loss', value: 0.25 },
    ])
  })
})
