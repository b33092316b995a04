import { describe, expect, test } from 'vitest'
import { type EndedTests, judgeQuarantine } from './judge-quarantine.ts'
import type { TestResult } from './parse-junit.ts'
import { testKey } from './quarantine.sql.ts'

const result = (name: string, state: TestResult['state']): TestResult => {
  return { suite: 's', name, file: '', state, seconds: 0, retries: 0, message: '', detail: '' }
}

const ENDED: EndedTests = {
  run: 'pytest tests --junitxml unit.xml',
  exitCode: 1,
  endedByItself: true,
  outs: [],
  reports: [{ path: 'unit.xml' }],
  results: [result('good', 'passed'), result('bad', 'failed')],
  quarantined: new Set([testKey({ suite: 's', name: 'bad' })]),
  logTail: '1 failed, 1 passed in 0.1 s',
}

const verdict = (ended: Partial<EndedTests>) => judgeQuarantine({ ...ENDED, ...ended })

describe('a step whose failing tests are all in quarantine is let through', () => {
  test.each([
    'pytest tests --junitxml unit.xml',
    'python -m pytest tests --junitxml unit.xml',
    'PYTHONPATH=src python3.12 -m xmlrunner discover',
    'uv run pytest --junitxml unit.xml',
    'coverage run --branch -m pytest --junitxml=unit.xml',
    'mkdir -p reports\nruff check . && pytest \\\n  --junitxml unit.xml',
  ])('%s', (run) => {
    expect(verdict({ run })).toEqual({ kind: 'overlooked', why: 'only tests in quarantine failed: s::bad' })
  })
})

describe('in doubt it fails', () => {
  test.each<[string, Partial<EndedTests>, RegExp]>([
    ['a crash', { exitCode: 139 }, /exit code 139/],
    ['pytest’s own failure', { exitCode: 3 }, /exit code 3/],
    ['a time limit', { endedByItself: false, exitCode: 1 }, /did not end by itself/],
    ['no report', { reports: [{ path: 'unit.xml', trouble: 'was not written' }] }, /unit\.xml was not written/],
    ['a step with outs', { outs: ['model.onnx'] }, /outs/],
    ['another runner', { run: 'npx jest' }, /neither pytest nor unittest/],
    ['a script that may do more', { run: 'make test' }, /neither pytest nor unittest/],
    ['something after the tests', { run: 'pytest --junitxml unit.xml && ruff check .' }, /neither pytest nor/],
    [
      'two suites, of which the second did not run',
      { run: 'pytest a --junitxml unit.xml\npytest b' },
      /more than once/,
    ],
    ['a report of an earlier command', { run: 'cp old unit.xml\npytest b' }, /does not name every report/],
    ['a pipe', { run: 'pytest --junitxml unit.xml | tee log' }, /pipe/],
    ['an alternative', { run: 'false || pytest --junitxml unit.xml' }, /pipe/],
    ['tests that did not run', { logTail: '!!! stopping after 1 failures !!!' }, /stopping after 1 failures/],
    ['too little coverage', { logTail: 'ERROR: Coverage failure: total of 63' }, /Coverage failure/],
  ])('%s', (_, ended, why) => {
    expect(verdict(ended)).toEqual({ kind: 'in-doubt', why: expect.stringMatching(why) })
  })
})

test('a failing test outside the quarantine fails the step as ever', () => {
  expect(verdict({ results: [...ENDED.results, result('other', 'error')] })).toEqual({ kind: 'none' })
  expect(verdict({ results: [result('good', 'passed')] })).toEqual({ kind: 'none' })
})
