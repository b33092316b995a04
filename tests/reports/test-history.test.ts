import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collectGarbage, listEvents } from '../../src/api/system.ts'
import { getTest, listCoverage, listTestedRuns, listTests, quarantineTest, releaseTest } from '../../src/api/tests.ts'
import { DATABASES } from '../harness/databases.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import { tinyProject } from '../harness/tiny-project.ts'
import { pythonWith } from '../serving/python-environment.ts'

const TESTS = `import os
from scale import scale


def test_scale():
    assert scale(2) == 4


def test_first_attempt():
    assert not os.environ["TIDEGATE_ATTEMPT"].endswith("/1")
`

const CLASSES = `import unittest


class Even(unittest.TestCase):
    def test_two(self):
        self.assertEqual(2 % 2, 0)

    def test_four(self):
        self.assertEqual(4 % 2, 0)


class Odd(unittest.TestCase):
    def test_odd(self):
        self.assertEqual(3 % 2, 0)
`

const SCALE = `def scale(value):
    return value * 2
`

const SCALE_WITH_MORE = `${SCALE}

def unscale(value):
    if value:
        return value / 2
    return 0
`

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer
  let ana: TestPerson
  let lead: TestPerson
  let bin: string

  beforeAll(async () => {
    bin = await pythonWith('pytest', ['pytest', 'pytest-cov'])
    place = await openTestServer(kind)
    ana = await place.person('ana')
    lead = await place.person('lead', 'maintainer')
  })

  afterAll(() => place[Symbol.asyncDispose]())

  const pipeline = (more: string, options = '') => `steps:
  unit:
    stage: unit-tests
    run: pytest tests -p no:cacheprovider --junitxml unit.xml ${options}
    env: { PATH: "${bin}:/usr/bin:/bin", PYTHONPATH: ".", PYTHONDONTWRITEBYTECODE: "1" }
    reports: { junit: unit.xml${options === '' ? '' : ', coverage: cov.xml'} }
    ${more}
`

  const files = (yaml: string) =>
    tinyProject({ pipeline: yaml, files: { 'scale.py': SCALE, 'tests/test_scale.py': TESTS } })

  const tests = (project: string, only: 'all' | 'flaky' | 'failing' | 'quarantined') =>
    ana.client.call(listTests, { params: { project }, query: { only } }).then((answer) => answer.tests)

  test('a test that fails and passes when the step is tried again is flaky, and its history says how', async () => {
    const project = await place.project('flaky', files(pipeline('retry: { on: [exit], limit: 1 }')))

    await project.push(ana)

    const run = await project.run(1)
    expect(run).toMatchObject({ state: 'succeeded', tests: { passed: 2, failed: 0 } })
    expect(await tests('flaky', 'flaky')).toMatchObject([
      { test: 'tests.test_scale::test_first_attempt', state: 'passed', runs: 2, failures: 1, flakes: 1 },
    ])
    const query = { test: 'tests/test_scale.py::test_first_attempt' }
    const shown = await ana.client.call(getTest, { params: { project: 'flaky' }, query })
    expect(shown.flaky).toMatchObject([{ how: 'failed in flaky#1, attempt 1, passed on the same commit' }])
    expect(shown.firstAt).toBe(shown.history.at(-1)?.at)
    expect(shown.history.map(({ attempt, state, branch }) => [attempt, state, branch])).toEqual([
      [2, 'passed', 'main'],
      [1, 'failed', 'main'],
    ])
    expect(shown.failed).toMatchObject([{ run: 'flaky#1', attempt: 1, detail: expect.stringContaining('endswith') }])
    const list = { params: { project: 'flaky' }, query: { search: 'FIRST_att', recent: 5 } }
    const { tests: found, counts } = await ana.client.call(listTests, list)
    expect(found.map(({ recent }) => recent.map(({ state }) => state))).toEqual([['passed', 'failed']])
    expect(counts).toEqual({ all: 2, failing: 0, flaky: 1, quarantined: 0 })
    const { runs } = await ana.client.call(listTestedRuns, { params: { project: 'flaky' }, query: {} })
    expect(runs).toMatchObject([{ run: 'flaky#1', branch: 'main', passed: 2, failed: 0, skipped: 0 }])
    const { rows } = await place.admin.client.call(collectGarbage, { body: { dryRun: true } })
    expect(rows).toContainEqual(expect.objectContaining({ what: 'flaky: 4 results of tests', removed: false }))
  })

  test('a test in quarantine runs and is reported, and fails nobody; when it is released it counts again', async () => {
    const project = await place.project('calm', files(pipeline('')))
    const params = { project: 'calm' }
    const body = { test: 'test_first_attempt', reason: 'fails when it is the first' }
    await project.push(ana)

    await expect(ana.client.call(quarantineTest, { params, body })).rejects.toThrow(/maintainer/)
    await lead.client.call(quarantineTest, { params, body })
    await project.commit({ 'note.txt': 'again' })
    const push = await project.push(ana)
    await lead.client.call(releaseTest, { params, body: { test: 'test_first_attempt' } })
    await project.commit({ 'note.txt': 'and again' })
    await project.push(ana)

    expect(await project.run(1)).toMatchObject({ state: 'failed' })
    const calm = await project.run(2)
    expect(calm).toMatchObject({ state: 'succeeded', tests: { passed: 1, failed: 0, quarantined: 1 } })
    expect(calm.steps.find(({ key }) => key === 'unit')).toMatchObject({
      state: 'succeeded',
      message: 'only tests in quarantine failed: tests.test_scale::test_first_attempt',
    })
    expect(calm.stages[2]?.summary).toBe('1 passed, 0 failed, 1 failed in quarantine')
    expect(push.stderr).toContain('only tests in quarantine failed')
    expect(await project.run(3)).toMatchObject({ state: 'failed', tests: { failed: 1, quarantined: 0 } })
    const { events } = await lead.client.call(listEvents, { query: { project: 'calm', limit: 200 } })
    expect(events.filter(({ kind: what }) => what.startsWith('test.'))).toMatchObject([
      { kind: 'test.quarantined', data: { by: 'lead', reason: body.reason } },
      { kind: 'test.released', data: { by: 'lead' } },
    ])
  })

  test('a report for each class: a pattern names them all, also when a test failed, and is too vague for a quarantine', async () => {
    const python = await pythonWith('unittest', ['unittest-xml-reporting'])
    const yaml = `steps:
  unit:
    stage: unit-tests
    run: ${python}/python -m xmlrunner -o reports test_scale
    env: { PYTHONDONTWRITEBYTECODE: "1" }
    reports: { junit: "reports/*.xml" }
`
    const project = await place.project('classes', tinyProject({ pipeline: yaml, files: { 'test_scale.py': CLASSES } }))
    const body = { test: 'test_odd', reason: 'odd numbers' }
    await project.push(ana)
    await lead.client.call(quarantineTest, { params: { project: 'classes' }, body })
    await project.commit({ 'note.txt': 'again' })
    await project.push(ana)

    const [first, second] = [await project.run(1), await project.run(2)]

    expect(first.tests).toMatchObject({ passed: 2, failed: 1, failures: [{ suite: expect.stringMatching(/Odd$/) }] })
    expect(first.findings).toEqual([])
    expect(second).toMatchObject({ state: 'failed', tests: { passed: 2, failed: 0, quarantined: 1 } })
    expect(second.steps.find(({ key }) => key === 'unit')?.message).toContain(
      'only tests in quarantine failed, but reports/*.xml is a pattern',
    )
  })

  test('coverage is compared with the default branch, and changed lines that nothing runs are pointed at', async () => {
    const options = '--deselect tests/test_scale.py::test_first_attempt --cov scale --cov-report xml:cov.xml'
    const project = await place.project('covered', files(pipeline('', options)))
    await project.push(ana)
    await project.commit({ 'scale.py': SCALE_WITH_MORE })
    await project.push(ana)

    const [first, second] = [await project.run(1), await project.run(2)]

    expect(first.coverage).toMatchObject([{ lines: 2, covered: 2, baseRun: null, changedLines: null }])
    expect(second.coverage).toMatchObject([
      { lines: 6, covered: 3, baseRun: 'covered#1', baseShare: 1, changedLines: 4, changedCovered: 1 },
    ])
    expect(second.metrics).toContainEqual({ step: 'unit', name: 'coverage', value: 0.5 })
    expect(second.findings).toMatchObject([
      {
        step: 'unit',
        severity: 'warning',
        file: 'scale.py',
        line: 6,
        message: 'lines 6 to 8, which this change brings, are run by no test',
      },
    ])
    const at = { params: { project: 'covered', number: 2, step: 'unit' }, query: {} }
    expect((await ana.client.call(listCoverage, at)).files).toEqual([
      {
        path: 'scale.py',
        lines: 6,
        covered: 3,
        changed: { lines: 4, covered: 1 },
        base: { lines: 2, covered: 2 },
      },
    ])
  })

  test('the files of a split suite are spread over the members, each in exactly one', async () => {
    const names = Array.from({ length: 7 }, (_, i) => `tests/test_${i}.py`)
    const project = await place.project(
      'split',
      tinyProject({
        pipeline: `steps:
  unit:
    stage: unit-tests
    run: cat "$TIDEGATE_SPLIT_FILE"; cp part-$PART.lcov cov.lcov
    env: { PART: "\${{ matrix.part }}" }
    reports: { coverage: cov.lcov }
    split: { tests: "tests/**/test_*.py" }
    matrix: { part: [1, 2, 3] }
`,
        files: {
          ...Object.fromEntries(names.map((name) => [name, 'def test(): pass\n'])),
          'scale.py': SCALE,
          ...shares([1, 2], []),
        },
      }),
    )

    await project.push(ana)
    await project.commit({ 'scale.py': SCALE_WITH_MORE, ...shares([1, 2], [5]) })
    await project.push(ana)

    const logs = await Promise.all([1, 2, 3].map((part) => project.log(1, `unit (${part})`)))
    expect(logs.map((log) => log.match(/^tests\/.*$/gm)?.length)).toEqual([3, 2, 2])
    const second = await project.run(2)
    expect(second.coverage).toMatchObject([
      { step: 'unit', lines: 4, covered: 3, changedLines: 2, changedCovered: 1, members: 3, baseShare: 0.5 },
    ])
    expect(second.metrics).toContainEqual({ step: 'unit', name: 'coverage', value: 0.75 })
    expect(second.findings.filter(({ step }) => step.startsWith('unit'))).toMatchObject([
      { file: 'scale.py', line: 6, message: 'line 6, which this change brings, is run by no test' },
    ])
    expect(logs.flatMap((log) => log.match(/^tests\/.*$/gm) ?? []).toSorted()).toEqual(names)
  })
})

/** Of each of three members a report: every one of \`all\` ran in the first, \`third\` in the third; 1, 2, 5 and 6 hold code. */
function shares(all: readonly number[], third: readonly number[]): Record<string, string> {
  const report = (ran: readonly number[]) =>
    `SF:scale.py\n${[1, 2, 5, 6].map((line) => `DA:${line},${ran.includes(line) ? 1 : 0}`).join('\n')}\nend_of_record\n`
  return { 'part-1.lcov': report(all), 'part-2.lcov': report([]), 'part-3.lcov': report(third) }
}
