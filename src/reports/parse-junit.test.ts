import { readFileSync } from 'node:fs'
import { array, assert, asyncProperty, constantFrom, oneof, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAppError } from '../core/errors.ts'
import { parseJunit, type TestResult } from './parse-junit.ts'

const PYTEST = `<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.1">
<testcase classname="tests.unit.test_model" name="test_shape[8&#45;8]" time="0.012" />
<testcase classname="tests.unit.test_model" name="test_range" time="0.003"><failure message="assert 17 &lt;= 16&#10; +  where &amp;lt; = max([1])">def test_range():
&gt;       assert max(pixels) &lt;= 16
E       assert 17 &lt;= 16

tests/unit/test_model.py:12: AssertionError</failure></testcase>
<testcase classname="tests.unit.test_io" name="test_file" time="0"><error message="failed on setup with &quot;OSError&quot;">tests/unit/test_io.py:3: OSError</error></testcase>
<testcase classname="tests.unit.test_io" name="test_gpu" time="0"><skipped type="pytest.skip" message="no GPU">tests/unit/test_io.py:9: no GPU</skipped></testcase>
</testsuite></testsuites>`

const MAVEN = `<testsuite name="com.acme.RulesTest" time="1,234.5"><properties><property name="os" value="linux"/></properties>
<testcase name="adds" classname="com.acme.RulesTest" time="1,200.5"/>
<testcase name="fails" classname="com.acme.RulesTest" time="0.1"><failure type="AssertionError"><![CDATA[<!DOCTYPE html> expected 1
 at com.acme.RulesTest.fails(RulesTest.java:9)]]></failure><system-out>noise</system-out></testcase></testsuite>`

const GO = `<testsuites><testsuite name="example.com/pkg" tests="1" failures="1"><testcase classname="pkg" name="TestX/case_1" time="0.000"><failure message="Failed" type="">    x_test.go:7: got 2, want 1</failure></testcase></testsuite></testsuites>`

const JEST = `<testsuites name="jest tests"><testsuite name="sum"><testcase classname="sum adds" name="sum adds" time="0.002"/></testsuite><testsuite name="empty"/></testsuites>`

const UNITTEST = `<testsuite name="outer"><testsuite name="inner"><testcase name="test_a" time="0.1"/></testsuite></testsuite>`

describe('what runners write', () => {
  test('pytest: states, first line and the lines that matter', async () => {
    const { results } = await parseJunit(PYTEST)

    expect(results.map(({ suite, name, state }) => [suite, name, state])).toEqual([
      ['tests.unit.test_model', 'test_shape[8-8]', 'passed'],
      ['tests.unit.test_model', 'test_range', 'failed'],
      ['tests.unit.test_io', 'test_file', 'error'],
      ['tests.unit.test_io', 'test_gpu', 'skipped'],
    ])
    expect(results[1]!.message).toBe('assert 17 <= 16')
    expect(results[1]!.detail).toMatch(
      /^def test_range\(\):\n>.*\nE {7}assert 17 <= 16\n\ntests\/unit\/test_model\.py:12: AssertionError$/,
    )
    expect(results[0]!.seconds).toBe(0.012)
  })

  test('Maven: one suite, seconds with commas, text as it stands', async () => {
    const { results } = await parseJunit(MAVEN)

    expect(results.map(({ state, seconds }) => [state, seconds])).toEqual([
      ['passed', 1200.5],
      ['failed', 0.1],
    ])
    expect(results[1]!.message).toBe('<!DOCTYPE html> expected 1')
  })

  test('Go, Jest and unittest', async () => {
    expect((await parseJunit(GO)).results).toMatchObject([
      { name: 'TestX/case_1', state: 'failed', detail: 'x_test.go:7: got 2, want 1' },
    ])
    expect((await parseJunit(JEST)).results).toMatchObject([{ suite: 'sum adds', state: 'passed' }])
    expect((await parseJunit(UNITTEST)).results).toMatchObject([{ suite: 'inner', name: 'test_a' }])
  })
})

describe('files that runners wrote (tests/fixtures/reports)', () => {
  test.each([
    ['pytest.xml', 'passed 2, failed 4, error 2, skipped 2'],
    ['pytest-xunit1.xml', 'passed 3, failed 3, error 2, skipped 2'],
    ['pytest-rerunfailures.xml', 'passed 3, failed 3, error 2, skipped 2'],
    ['unittest.xml', 'passed 1, failed 1, error 2, skipped 1'],
    ['jest.xml', 'passed 2, failed 1, error 0, skipped 1'],
    ['surefire-from-documentation.xml', 'passed 3, failed 1, error 1, skipped 1'],
    ['go-junit-report-from-documentation.xml', 'passed 2, failed 1, error 0, skipped 1'],
    ['surefire.xml', 'passed 4, failed 1, error 1, skipped 1'],
    ['gotestsum.xml', 'passed 2, failed 4, error 0, skipped 1'],
    ['gotestsum-rerun.xml', 'passed 3, failed 3, error 0, skipped 1'],
  ])('%s: %s', async (file, counts) => {
    const { results, incomplete } = await parseJunit(fixture(file))

    const count = (state: TestResult['state']) => `${state} ${results.filter((one) => one.state === state).length}`
    expect([count('passed'), count('failed'), count('error'), count('skipped')].join(', ')).toBe(counts)
    expect(incomplete).toBeUndefined()
  })

  test.each([
    ['pytest-rerunfailures.xml', { test_flaky: 1, 'test_values[-1]': 2, test_doubles: 0 }],
    ['surefire-from-documentation.xml', { flaky: 1, trembles: 2, fails: 2, adds: 0 }],
    ['surefire.xml', { flaky: 1, failsAlways: 2, breaks: 2, readsInk: 0 }],
    ['gotestsum-rerun.xml', { TestFlaky: 1, TestBlank: 2, 'TestScales/large/one': 2, TestReadsInk: 0 }],
  ])('%s tells how often a test was tried again: %o', async (file, retries) => {
    const { results } = await parseJunit(fixture(file))

    for (const [name, count] of Object.entries(retries))
      expect(results.filter((one) => one.name === name)).toMatchObject([{ retries: count }])
  })

  test('what a test said is the message, not what the runner wrote around it', async () => {
    const messages = async (file: string) =>
      Object.fromEntries((await parseJunit(fixture(file))).results.map(({ name, message }) => [name, message]))

    expect(await messages('gotestsum.xml')).toMatchObject({
      TestBlank: 'ink_test.go:15: ink of a blank: got 3, want 4 <b>',
      'TestScales/large/one': 'ink_test.go:24: about to fail',
      TestScales: 'Failed',
      TestOnGPU: 'ink_test.go:18: needs a GPU',
      TestReadsInk: '',
    })
    expect(await messages('surefire.xml')).toMatchObject({
      breaks: 'no file <ink>',
      failsAlways: 'ink of a blank ==> expected: <4> but was: <3>',
      onGpu: 'needs a GPU',
    })
  })

  test('a case that failed and one of the same name that passed are two tests where a runner may have two', async () => {
    const same = (end: string) =>
      `<testsuite name="f"><testcase classname="sum" name="adds">${end}</testcase></testsuite>`

    const { results } = await parseJunit(`<testsuites name="jest tests">${same('<failure/>')}${same('')}</testsuites>`)

    expect(results.map(({ state }) => state)).toEqual(['failed', 'passed'])
  })

  test('files of tests are kept where the runner names them', async () => {
    const { results } = await parseJunit(fixture('pytest-xunit1.xml'))

    expect(results[0]).toMatchObject({ suite: 'tests.test_scale', file: 'tests/test_scale.py' })
  })

  test('a report that counts more tests than it has says so', async () => {
    const text = '<testsuite name="s" tests="3" failures="0"><testcase name="a"/></testsuite>'

    expect((await parseJunit(text)).incomplete).toBe('suite "s" counts 3 tests and has 1')
  })
})

function fixture(name: string): string {
  return readFileSync(new URL(`../../tests/fixtures/reports/${name}`, import.meta.url), 'utf8')
}

describe('hostile reports', () => {
  test.each([
    ['-5e400', 0],
    ['1e999', 86_400],
    ['-3', 0],
    ['NaN', 0],
    ['0x10', 16],
    ['a while', 0],
    ['', 0],
  ])('a test that says it took "%s" took %d s', async (time, seconds) => {
    const { results } = await parseJunit(`<testsuite><testcase name="a" time="${time}"/></testsuite>`)

    expect(results.map((one) => one.seconds)).toEqual([seconds])
  })

  const bomb = `<!-- x --><!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;">]><testsuite><testcase name="x"><failure>&m;</failure></testcase></testsuite>`

  test.each([
    ['entities of their own', bomb],
    ['more attributes than anybody writes', `<testsuite ${'a="1" '.repeat(2_000)}/>`],
    ['suites within suites without end', `${'<testsuite>'.repeat(50_000)}${'</testsuite>'.repeat(50_000)}`],
    ['no XML', 'FAILED tests/test_a.py'],
    ['nothing', ''],
    ['another document', '<coverage line-rate="1"/>'],
  ])('%s: refused, and nothing worse', async (_, text) => {
    let error: unknown
    try {
      await parseJunit(text)
    } catch (caught) {
      error = caught
    }

    expect(isAppError(error, 'INVALID_INPUT')).toBe(true)
  })

  test('only so many cases, and only the end of a long output, are kept', async () => {
    const many = `<testsuite>${'<testcase name="a"/>'.repeat(100_010)}</testsuite>`
    const long = `<testsuite><testcase name="a"><failure>${'x'.repeat(100_000)}the end</failure></testcase></testsuite>`

    expect(await parseJunit(many)).toMatchObject({ left: 10 })
    expect((await parseJunit(long)).results[0]!.detail).toMatch(/^…x{7993}the end$/)
  })

  test('names of the language are names', async () => {
    const text =
      '<testsuite name="constructor"><testcase name="toString"><__proto__ a="1">x</__proto__></testcase></testsuite>'

    expect((await parseJunit(text)).results).toMatchObject([
      { suite: 'constructor', name: 'toString', state: 'passed' },
    ])
  })

  test('others get their turn while a huge report is read', async () => {
    const text = `<testsuite>${'<testcase name="a"><system-out>x</system-out></testcase>'.repeat(200_000)}</testsuite>`
    let turns = 0
    let ended = false
    const count = () => {
      turns += 1
      if (!ended) setImmediate(count)
    }
    setImmediate(count)

    const { left } = await parseJunit(text)
    ended = true

    expect(left).toBe(100_000)
    expect(turns).toBeGreaterThan(5)
  })

  test('a NUL that no database keeps is dropped', async () => {
    const { results } = await parseJunit('<testsuite><testcase name="a&#0;b"/></testsuite>')

    expect(results[0]!.name).toMatch(/^a[^\0]*b$/)
  })

  test('whatever comes, the answer is results or a refusal', async () => {
    const piece = constantFrom(
      '<testsuite name="s">',
      '</testsuite>',
      '<testcase name="a" time="x">',
      '</testcase>',
      '<failure message="m">',
      '</failure>',
      '<![CDATA[',
      ']]>',
      '<!--',
      '-->',
      '&lt;',
      '&#0;',
      '<skipped/>',
      '<?',
      '"',
    )

    await assert(
      asyncProperty(array(oneof(piece, string()), { maxLength: 30 }), async (pieces) => {
        try {
          expect(Array.isArray((await parseJunit(pieces.join(''))).results)).toBe(true)
        } catch (error) {
          expect(isAppError(error, 'INVALID_INPUT')).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })
})
