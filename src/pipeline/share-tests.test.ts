import { expect, test } from 'vitest'
import { parsePipeline } from './parse-pipeline.ts'
import { planRun } from './plan-run.ts'

const FILES = ['tests/test_a.py', 'tests/test_b.py', 'tests/test_c.py', 'tests/helper.py']

function plan(step: string) {
  const { pipeline, problems } = parsePipeline(`steps:\n  unit: { run: pytest, ${step} }\n`, 'tidegate.yaml')
  if (pipeline === undefined) return { shares: {}, problems: problems.map(({ message }) => message) }
  const context = { project: 'p', branch: 'main', defaultBranch: 'main', event: 'push', files: FILES } as const
  const planned = planRun(pipeline, { ...context, secondsOf: (path) => (path.endsWith('a.py') ? 9 : 1) })
  const steps = planned.plan?.steps.filter(({ split }) => split !== undefined) ?? []
  return {
    shares: Object.fromEntries(steps.map(({ key, split }) => [key, split])),
    problems: planned.problems.map(({ message }) => message),
  }
}

test('members share the files that fit, by how long they took', () => {
  expect(plan('split: { tests: "tests/test_*.py" }, matrix: { part: [1, 2] }').shares).toEqual({
    'unit (1)': ['tests/test_a.py'],
    'unit (2)': ['tests/test_b.py', 'tests/test_c.py'],
  })
})

test('members that differ by another axis only run the same files', () => {
  const { shares } = plan('split: { tests: [tests/test_*.py], over: part }, matrix: { os: [a, b], part: [1, 2] }')

  expect(shares).toMatchObject({
    'unit (a, 1)': ['tests/test_a.py'],
    'unit (b, 1)': ['tests/test_a.py'],
    'unit (b, 2)': ['tests/test_b.py', 'tests/test_c.py'],
  })
})

test.each([
  ['split: { tests: tests/ }', /needs a matrix/],
  ['split: { tests: tests/ }, matrix: { os: [a, b], part: [1] }', /say which axis .*`over: part`/],
  ['split: { tests: tests/, over: prt }, matrix: { part: [1] }', /no axis "prt"; it has part/],
  ['split: { tests: test/ }, matrix: { part: [1] }', /no file of the commit fits test\//],
  ['split: { tests: tests/ }, matrix: { part: [1], include: [{ os: a, part: 2 }, { os: b }] }', undefined],
])('%s', (step, problem) => {
  const { problems } = plan(step)

  if (problem === undefined) expect(problems).toEqual([])
  else expect(problems).toEqual([expect.stringMatching(problem)])
})
