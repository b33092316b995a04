import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASES } from '../harness/databases.ts'
import { openTestServer, type TestPerson, type TestServer } from '../harness/server.ts'
import { tinyProject } from '../harness/tiny-project.ts'

describe.each(DATABASES)('on %s', (kind) => {
  let place: TestServer
  let ana: TestPerson

  beforeAll(async () => {
    place = await openTestServer(kind)
    ana = await place.person('ana')
  })

  afterAll(() => place[Symbol.asyncDispose]())

  /** A unit test step whose runner writes these reports and ends with `code`; training comes after it. */
  async function pushReports(name: string, reports: Record<string, string>, code: number) {
    const paths = Object.keys(reports).map((file) => `reports/${file}`)
    const project = await place.project(
      name,
      tinyProject({
        pipeline: `model: { path: model.onnx }
steps:
  unit:
    stage: unit-tests
    run: cp -r written reports; exit ${code}
    reports: { junit: [${paths.join(', ')}] }
  train: { run: cp models/one.onnx model.onnx, outs: [model.onnx] }
`,
        files: Object.fromEntries(Object.entries(reports).map(([file, xml]) => [`written/${file}`, xml])),
      }),
    )
    const push = await project.push(ana)
    return { push, run: await project.run(1) }
  }

  test('a failing test shows its name, message and lines to the pusher and in the API, and nothing is trained', async () => {
    const { push, run } = await pushReports('failing', { 'unit.xml': FAILING }, 1)

    expect(run.state).toBe('failed')
    expect(run.tests).toMatchObject({ passed: 2, failed: 1, skipped: 1 })
    expect(run.tests.failures).toEqual([
      expect.objectContaining({
        step: 'unit',
        suite: 'tests.unit.test_model',
        name: 'test_scale',
        message: 'assert 2 == 3',
        detail: expect.stringContaining('tests/unit/test_model.py:12: AssertionError'),
      }),
    ])
    expect(run.steps.find(({ key }) => key === 'train')).toMatchObject({ state: 'skipped' })
    expect(run.stages[2]).toMatchObject({
      state: 'failed',
      summary: expect.stringContaining('2 passed, 1 failed, 1 skipped'),
    })
    expect(push.stderr).toMatch(/remote: +3 Unit tests +unit +failed/)
    expect(push.stderr).toMatch(/remote: +test_scale: assert 2 == 3/)
    expect(push.stderr).toMatch(/remote: +tests\/unit\/test_model\.py:12: AssertionError/)
  })

  test('tests that pass are counted, and the run goes on', async () => {
    const { run } = await pushReports('passing', { 'unit.xml': PASSING }, 0)

    expect(run).toMatchObject({ state: 'succeeded', tests: { passed: 2, failed: 0, skipped: 0, failures: [] } })
    expect(run.stages[2]).toMatchObject({ state: 'succeeded', summary: expect.stringContaining('2') })
  })

  test('reports made to hurt are findings that say why, and harm neither the server nor the terminal', async () => {
    const reports = {
      'entities.xml': BILLION_LAUGHS,
      'depth.xml': '<testsuite>'.repeat(50_000),
      'binary.xml': '\u0000\u0001<<<&',
      'steer.xml': STEERING,
    }

    const { run, push } = await pushReports('hurt', reports, 1)

    expect(run.findings).toMatchObject([
      { file: 'reports/entities.xml', message: expect.stringMatching(/cannot be read: .*document type/) },
      { file: 'reports/depth.xml', message: expect.stringContaining('deeper than 100') },
      { file: 'reports/binary.xml', message: expect.stringContaining('cannot be read') },
    ])
    expect(run.tests.failures).toMatchObject([{ suite: 't', name: '<script>alert(1)</script>' }])
    expect(push.code).toBe(0)
    expect(push.stderr).toContain('owned')
    expect(push.stderr).not.toContain('\u001b]0;')
    expect(push.stderr).not.toContain('\u001b[2J')
  })

  test('metrics are read from JSON with NaN and from YAML, and a file that is neither is a finding', async () => {
    const project = await place.project('measured', {
      'nan.json': '{"loss": NaN, "accuracy": 0.5}',
      'm.yaml': 'f1: 0.25\n',
      'cut.json': '{"auc": 0.9,\n "recall"',
      'tidegate.yaml': 'steps:\n  train: { run: "true", metrics: [nan.json, m.yaml, cut.json] }\n',
    })
    await project.push(await place.person('dana'))

    const run = await project.run(1)

    expect(Object.fromEntries(run.metrics.map(({ name, value }) => [name, value]))).toEqual({ accuracy: 0.5, f1: 0.25 })
    expect(run.findings.filter(({ step }) => step === 'train')).toMatchObject([
      { file: 'cut.json', line: 2, message: expect.stringContaining('the metrics cannot be read: it is neither') },
    ])
  })
})

const FAILING = `<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="1" skipped="1" tests="4" time="0.03">
<testcase classname="tests.unit.test_model" name="test_shape" time="0.001" />
<testcase classname="tests.unit.test_model" name="test_names" time="0.001" />
<testcase classname="tests.unit.test_model" name="test_later" time="0"><skipped type="pytest.skip" message="later">x</skipped></testcase>
<testcase classname="tests.unit.test_model" name="test_scale" time="0.002"><failure message="assert 2 == 3&#10; +  where 2 = scale(1)">def test_scale():
&gt;       assert scale(1) == 3
E       assert 2 == 3
E        +  where 2 = scale(1)

tests/unit/test_model.py:12: AssertionError</failure></testcase>
</testsuite></testsuites>
`

const PASSING = `<testsuite name="pytest" tests="2"><testcase classname="t" name="a" time="0.1"/><testcase classname="t" name="b" time="0.1"/></testsuite>`

const BILLION_LAUGHS = `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>
<testsuite><testcase name="&b;&c;"/></testsuite>`

const STEERING = `<testsuite><testcase classname="t" name="&lt;script&gt;alert(1)&lt;/script&gt;">
<failure message="&#27;]0;owned&#7;&#27;[2J">&#27;[1A&#27;[2K</failure></testcase></testsuite>`
