import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatProblem } from '../core/problem.ts'
import { readBehaviour } from './behaviour.ts'

test('three kinds of tests are read with their defaults', () => {
  const { tests, problems } = readBehaviour(
    `tests:
  - { name: ink, invariance: { ink: { set: 5 } }, tolerance: 0.01 }
  - { name: income, directional: { income: { scale: 1.1 } }, must: rise, of: 1, rows: 20, at-most: 5% }
  - { name: empty, functionality: [{ a: 0, b: null }], answer: 0 }
`,
    'tests/behaviour.yaml',
  )

  expect(problems).toEqual([])
  expect(tests).toEqual([
    {
      name: 'ink',
      kind: 'invariance',
      change: { ink: { kind: 'set', value: 5 } },
      tolerance: 0.01,
      rows: 200,
      seed: 1,
      atMost: 0,
    },
    {
      name: 'income',
      kind: 'directional',
      change: { income: { kind: 'scale', value: 1.1 } },
      must: 'rise',
      of: '1',
      rows: 20,
      seed: 1,
      atMost: 0.05,
    },
    { name: 'empty', kind: 'functionality', rows: [{ a: 0, b: null }], answer: '0', tolerance: 0 },
  ])
})

test('all that is wrong is told at once, each at its place', () => {
  const { problems } = readBehaviour(
    `tests:
  - name: one
    invariance: { ink: { sett: 5 } }
  - { name: two, directional: { a: { add: 1 } } }
  - { name: three, functionality: [{ a: 1 }], answer: 1, must: rise }
  - { name: four }
`,
    'b.yaml',
  )

  expect(problems.map(formatProblem)).toEqual([
    'b.yaml:3:26: tests[0].invariance.ink.sett: unknown key "sett": did you mean "set"?',
    'b.yaml:3:24: tests[0].invariance.ink: write one of { set: 5 }, { add: 1 }, { scale: 1.1 }, { replace: { from: a, to: b } }, { noise: 0.1 }',
    'b.yaml:4:5: tests[1]: `must` is missing: write rise, fall, not-rise or not-fall',
    'b.yaml:5:64: tests[2].must: a test of functionality has no `must`: it has answer, tolerance',
    'b.yaml:6:5: tests[3]: write one of invariance, directional, functionality',
  ])
})

test('two tests of one name, no tests and no YAML are refused', () => {
  const one = '{ name: a, functionality: [{ a: 1 }], answer: 1 }'

  expect(readBehaviour(`tests: [${one}, ${one}]`, 'b.yaml').problems.map(({ message }) => message)).toEqual([
    'there is another test "a"',
  ])
  expect(readBehaviour('', 'b.yaml').problems.map(({ message }) => message)).toEqual(['`tests` is missing'])
  expect(readBehaviour('tests: [', 'b.yaml').problems).toHaveLength(1)
})

test('whatever the text, it is read or refused with a place', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((json) => `tests: [{ name: x, invariance: ${json} }]`),
      ),
      (text) => {
        const { tests, problems } = readBehaviour(text, 'b.yaml')
        expect(tests.length + problems.length).toBeGreaterThan(0)
        for (const { line, column } of problems) expect(Math.min(line, column)).toBeGreaterThan(0)
      },
    ),
  )
})
