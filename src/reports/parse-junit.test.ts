import { array, assert, constantFrom, oneof, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAppError } from '../core/errors.ts'
import { parseJunit } from './parse-junit.ts'

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
  test('pytest: states, first line and the lines that matter', () => {
    const { results } = parseJunit(PYTEST)

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

  test('Maven: one suite, seconds with commas, text as it stands', () => {
    const { results } = parseJunit(MAVEN)

    expect(results.map(({ state, seconds }) => [state, seconds])).toEqual([
      ['passed', 1200.5],
      ['failed', 0.1],
    ])
    expect(results[1]!.message).toBe('<!DOCTYPE html> expected 1')
  })

  test('Go, Jest and unittest', () => {
    expect(parseJunit(GO).results).toMatchObject([
      { name: 'TestX/case_1', state: 'failed', detail: 'x_test.go:7: got 2, want 1' },
    ])
    expect(parseJunit(JEST).results).toMatchObject([{ suite: 'sum adds', state: 'passed' }])
    expect(parseJunit(UNITTEST).results).toMatchObject([{ suite: 'inner', name: 'test_a' }])
  })
})

describe('hostile reports', () => {
  const bomb = `<!-- x --><!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;">]><testsuite><testcase name="x"><failure>&m;</failure></testcase></testsuite>`

  test.each([
    ['entities of their own', bomb],
    ['suites within suites without end', `${'<testsuite>'.repeat(50_000)}${'</testsuite>'.repeat(50_000)}`],
    ['names of the language', '<testsuite><testcase name="x"><__proto__ a="1"/></testcase></testsuite>'],
    ['no XML', 'FAILED tests/test_a.py'],
    ['nothing', ''],
    ['another document', '<coverage line-rate="1"/>'],
  ])('%s: refused, and nothing worse', (_, text) => {
    let error: unknown
    try {
      parseJunit(text)
    } catch (caught) {
      error = caught
    }

    expect(isAppError(error, 'INVALID_INPUT')).toBe(true)
  })

  test('only so many cases, and only the end of a long output, are kept', () => {
    const many = `<testsuite>${'<testcase name="a"/>'.repeat(100_010)}</testsuite>`
    const long = `<testsuite><testcase name="a"><failure>${'x'.repeat(100_000)}the end</failure></testcase></testsuite>`

    expect(parseJunit(many)).toMatchObject({ left: 10 })
    expect(parseJunit(long).results[0]!.detail).toMatch(/^…x{7993}the end$/)
  })

  test('a NUL that no database keeps is dropped', () => {
    expect(parseJunit('<testsuite><testcase name="a&#0;b"/></testsuite>').results[0]!.name).toMatch(/^a[^\0]*b$/)
  })

  test('whatever comes, the answer is results or a refusal', () => {
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

    assert(
      property(array(oneof(piece, string()), { maxLength: 30 }), (pieces) => {
        try {
          expect(Array.isArray(parseJunit(pieces.join('')).results)).toBe(true)
        } catch (error) {
          expect(isAppError(error, 'INVALID_INPUT')).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })
})
