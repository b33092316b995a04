import type { KnownTest as Answer } from '../../api/tests.ts'
import { findTest } from '../../flow/find-test.ts'
import type { Installation } from '../../flow/installation.ts'
import { quarantineTest, releaseTest } from '../../flow/quarantine-test.ts'
import type { Reader } from '../../db/open-database.ts'
import { coverageFiles } from '../../reports/coverage.sql.ts'
import {
  countKnownTests,
  failuresOfTest,
  findKnownTests,
  flakesOfTest,
  historyOfTest,
  type KnownTest,
  listKnownTests,
  recentResults,
} from '../../reports/known-tests.sql.ts'
import { listTestedRuns } from '../../reports/tested-steps.sql.ts'
import { listQuarantined, type QuarantinedTest, testId, testKey } from '../../reports/quarantine.sql.ts'
import { getProject } from '../../source/projects.ts'
import type { Handlers } from '../handlers.ts'
import { idOf } from './runs.ts'

type TestHandlers = Pick<
  Handlers,
  'listTests' | 'listTestedRuns' | 'getTest' | 'quarantineTest' | 'releaseTest' | 'listCoverage'
>

const HISTORY = 100
const FAILURES = 20

export function testHandlers(installation: Installation): TestHandlers {
  const { database } = installation
  const { read } = database
  return {
    async listTests({ params, query }) {
      const { name: project } = await getProject(read, params.project)
      const quarantined = await quarantines(read, project)
      const tests =
        query.only === 'quarantined'
          ? await testsOf(read, project, matching([...quarantined.values()], query.search).slice(0, query.limit))
          : await listKnownTests(read, project, { ...query, only: query.only })
      return {
        tests: await Promise.all(
          tests.map(async (test) => ({
            ...describeTest(test, quarantined),
            recent: query.recent === 0 ? [] : await recentResults(read, project, test, query.recent),
          })),
        ),
        counts: { ...(await countKnownTests(read, project)), quarantined: quarantined.size },
      }
    },
    async listTestedRuns({ params, query }) {
      const { name } = await getProject(read, params.project)
      return { runs: await listTestedRuns(read, name, query.limit) }
    },
    async getTest({ params, query }) {
      const test = await findTest(read, params.project, query.test)
      const history = await historyOfTest(read, params.project, test, HISTORY)
      const failed = await failuresOfTest(read, params.project, test, FAILURES)
      const flaky = await flakesOfTest(read, params.project, test, HISTORY)
      return {
        ...describeTest(test, await quarantines(read, params.project)),
        history: history.map(({ run_id, commit_id, branch, quarantined, ...row }) => ({
          ...row,
          branch: branch ?? '',
          run: run_id,
          commit: commit_id,
          quarantined: quarantined === 1,
        })),
        failed: failed.map(({ run_id, ...row }) => ({ ...row, run: run_id })),
        flaky: flaky.map(({ run_id, commit_id, ...row }) => ({ ...row, run: run_id, commit: commit_id })),
      }
    },
    async quarantineTest({ params, body, identity }) {
      const wanted = { test: body.test, reason: body.reason, until: body.until, by: identity.person }
      const test = await quarantineTest(installation, params.project, wanted)
      return describeTest(test, await quarantines(read, params.project))
    },
    async releaseTest({ params, body, identity }) {
      const test = await releaseTest(installation, params.project, { test: body.test, by: identity.person })
      return describeTest(test, await quarantines(read, params.project))
    },
    async listCoverage({ params, query }) {
      const rows = await coverageFiles(read, { runId: idOf(params), step: params.step }, query)
      return {
        files: rows.map(({ path, lines, covered, changedLines, changedCovered, baseLines, baseCovered }) => ({
          path,
          lines,
          covered,
          changed: countsOf(changedLines, changedCovered),
          base: countsOf(baseLines, baseCovered),
        })),
      }
    },
  }
}

async function quarantines(reader: Reader, project: string): Promise<Map<string, QuarantinedTest>> {
  return new Map((await listQuarantined(reader, project)).map((test) => [testKey(test), test]))
}

function matching(tests: readonly QuarantinedTest[], search: string): QuarantinedTest[] {
  return tests.filter((test) => testId(test).toLowerCase().includes(search.toLowerCase()))
}

async function testsOf(reader: Reader, project: string, wanted: readonly QuarantinedTest[]): Promise<KnownTest[]> {
  const found = await Promise.all(wanted.map((test) => findKnownTests(reader, project, test)))
  return found.flat()
}

function describeTest(test: KnownTest, quarantined: ReadonlyMap<string, QuarantinedTest>): Answer {
  const quarantine = quarantined.get(testKey(test))
  return {
    test: testId(test),
    suite: test.suite,
    name: test.name,
    file: test.file,
    state: test.state,
    seconds: test.seconds,
    runs: test.runs,
    failures: test.failures,
    flakes: test.flakes,
    firstAt: test.first_at,
    lastAt: test.last_at,
    lastRun: test.last_run,
    quarantine:
      quarantine === undefined
        ? null
        : {
            reason: quarantine.reason,
            person: quarantine.person,
            at: quarantine.at,
            until: quarantine.until,
            isOver: quarantine.until <= Date.now(),
          },
  }
}

function countsOf(lines: number | null, covered: number | null): { lines: number; covered: number } | null {
  return lines === null || covered === null ? null : { lines, covered }
}
