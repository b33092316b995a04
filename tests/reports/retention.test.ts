import { describe, expect, test } from 'vitest'
import type { Database } from '../../src/db/open-database.ts'
import { collectTestResults } from '../../src/flow/collect-test-results.ts'
import { coverageFiles, recordCoverage } from '../../src/reports/coverage.sql.ts'
import { flakesOfTest, historyOfTest, listKnownTests } from '../../src/reports/known-tests.sql.ts'
import type { TestResult } from '../../src/reports/parse-junit.ts'
import { putIntoQuarantine } from '../../src/reports/quarantine.sql.ts'
import { recordTestResults } from '../../src/reports/test-results.sql.ts'
import { countTests } from '../../src/reports/tested-steps.sql.ts'
import { DATABASES, openTestDatabase } from '../harness/databases.ts'

const DAY_MS = 24 * 3_600_000
const NOW = 300 * DAY_MS
const KEEP = { testMs: 10 * DAY_MS, testRuns: 3 }

const result = (name: string, state: TestResult['state'] = 'passed'): TestResult => {
  return { suite: 's', name, file: '', state, seconds: 0.5, retries: 0, message: '', detail: '' }
}

interface Ran {
  readonly day: number
  readonly commit?: string
  readonly attempt?: number
}

function record(database: Database, { day, commit, attempt = 1 }: Ran, ...results: TestResult[]): Promise<void> {
  const place = { runId: `p#${day}`, project: 'p', commit: commit ?? `c${day}`, step: 'unit', attempt }
  return database.write((writer) => recordTestResults(writer, { ...place, at: day * DAY_MS + attempt }, results))
}

const daysOf = async (database: Database, name: string) =>
  (await historyOfTest(database.read, 'p', { suite: 's', name }, 100)).map(({ run_id }) => Number(run_id.split('#')[1]))

describe.each(DATABASES)('on %s', (kind) => {
  test('of each test what is young stays, and its newest results however old; a dry run only tells so', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    for (const day of [1, 2, 3, 4, 5]) await record(database, { day }, result('seldom'), result('often'))
    for (const day of [292, 293, 294, 295]) await record(database, { day }, result('often'))
    await record(database, { day: 6, attempt: 0 }, result('seldom'))

    const told = await collectTestResults({ database, keep: KEEP }, NOW, true)
    const before = await daysOf(database, 'often')
    const done = await collectTestResults({ database, keep: KEEP }, NOW, false)
    const again = await collectTestResults({ database, keep: KEEP }, NOW, false)

    expect(told).toEqual(done)
    expect(done).toEqual([
      {
        what: 'p: 8 results of tests',
        why: 'past their time, and not among the newest 3 of their test',
        bytes: 0,
        removed: true,
      },
      {
        what: 'p: 7 results of tests',
        why: 'kept: within their time, or among the newest 3 of their test',
        bytes: 0,
        removed: false,
      },
    ])
    expect(before).toHaveLength(9)
    expect(await daysOf(database, 'often')).toEqual([295, 294, 293, 292])
    expect(await daysOf(database, 'seldom')).toEqual([5, 4, 3])
    expect(again.map(({ removed }) => removed)).toEqual([false])
    expect(await countTests(database.read, 'p#1')).toMatchObject({ passed: 2 })
    const known = await listKnownTests(database.read, 'p', { only: 'all', search: '', limit: 10 })
    expect(known.map(({ name, runs }) => [name, runs])).toEqual([
      ['often', 9],
      ['seldom', 5],
    ])
  })

  test('what shows that a test is flaky stays with it', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    await record(database, { day: 1 }, result('flaky', 'failed'))
    await record(database, { day: 1, attempt: 2 }, result('flaky'))
    for (const day of [2, 3, 4, 5, 6]) await record(database, { day }, result('flaky'))

    await collectTestResults({ database, keep: KEEP }, NOW, false)

    expect(await daysOf(database, 'flaky')).toEqual([6, 5, 4, 1, 1])
    expect(await flakesOfTest(database.read, 'p', { suite: 's', name: 'flaky' }, 10)).toHaveLength(1)
  })

  test('of a test that was flaky without end its newest signs stay', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    for (const day of [1, 2, 3, 4, 5, 6]) {
      await record(database, { day }, result('flaky', 'failed'))
      await record(database, { day, attempt: 2 }, result('flaky'))
    }

    const rows = await collectTestResults({ database, keep: KEEP }, NOW, false)

    expect(rows).toContainEqual(expect.objectContaining({ what: 'p: 3 signs of flaky tests', removed: true }))
    expect(await flakesOfTest(database.read, 'p', { suite: 's', name: 'flaky' }, 10)).toHaveLength(3)
    expect(await daysOf(database, 'flaky')).toEqual([6, 6, 5, 5, 4, 4])
  })

  test('tests that a year of runs did not report are forgotten, unless they are in quarantine', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    const names = Array.from({ length: 450 }, (_, i) => `gone ${i}`)
    await record(database, { day: 1 }, result('quiet'), ...names.map((name) => result(name)))
    await record(database, { day: 600 }, result('here'))
    await database.write((writer) =>
      putIntoQuarantine(writer, 'p', { suite: 's', name: 'quiet', reason: 'r', person: 'ana', at: 1, until: 2 }),
    )

    const told = await collectTestResults({ database, keep: KEEP }, 700 * DAY_MS, true)
    const done = await collectTestResults({ database, keep: KEEP }, 700 * DAY_MS, false)

    expect(told).toEqual(done)
    const gone = { what: 'p: 450 tests', why: 'no run of the project’s last year reported them', removed: true }
    expect(done).toContainEqual(expect.objectContaining(gone))
    const known = await listKnownTests(database.read, 'p', { only: 'all', search: '', limit: 10 })
    expect(known.map(({ name }) => name)).toEqual(['here', 'quiet'])
    expect(await daysOf(database, 'gone 7')).toEqual([])
  })

  test('coverages by file go, but for the newest and those that one of them is compared with', async () => {
    await using opened = await openTestDatabase(kind)
    const { database } = opened
    for (const day of [1, 2, 3, 4, 5, 6]) {
      const base = day === 6 ? { run: 'p#2', commit: 'c2' } : undefined
      const at = { runId: `p#${day}`, step: 'unit', project: 'p', branch: 'main', commit: `c${day}`, at: day * DAY_MS }
      const file = { path: 'a.py', lines: 2, covered: 1 }
      await database.write((writer) =>
        recordCoverage(writer, { ...at, base }, { lines: 2, covered: 1, files: [file], uncovered: [] }),
      )
    }
    await record(database, { day: 6 }, result('a'))

    const rows = await collectTestResults({ database, keep: KEEP }, NOW, false)

    expect(rows).toContainEqual(expect.objectContaining({ what: 'p: 2 coverages by file', removed: true }))
    const left = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((day) =>
        coverageFiles(database.read, { runId: `p#${day}`, step: 'unit' }, { after: '', limit: 10 }),
      ),
    )
    expect(left.map((files) => files.length)).toEqual([0, 1, 0, 1, 1, 1])
  })
})
