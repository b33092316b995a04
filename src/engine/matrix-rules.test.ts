import { expect, test } from 'vitest'
import type { PlanStep, Siblings } from '../core/plan.ts'
import type { StepState } from '../core/run-state.ts'
import { brokenMatrices, culpritOf, holdParallel } from './matrix-rules.ts'

function member(key: string, siblings: Partial<Siblings> = {}): PlanStep {
  return { key, siblings: { of: key.split(' ')[0], failFast: true, ...siblings } } as PlanStep
}

const NOTHING = { isResolving: () => false, isBegun: () => false }

test('a matrix that fails fast is broken by its first failed member, and only for its own members', () => {
  const steps = [member('a (0)'), member('a (1)'), member('b (0)', { failFast: false }), { key: 'c' } as PlanStep]
  const states = new Map<string, StepState>([
    ['a (0)', 'running'],
    ['a (1)', 'failed'],
    ['b (0)', 'failed'],
    ['c', 'failed'],
  ])

  const broken = brokenMatrices({ version: 1, steps }, (key) => states.get(key))

  expect([...broken]).toEqual([['a', 'a (1)']])
  expect(steps.map((step) => culpritOf(step, broken))).toEqual([
    'a (1) failed, and its matrix is fail-fast',
    'a (1) failed, and its matrix is fail-fast',
    undefined,
    undefined,
  ])
})

test('members beyond max-parallel wait, counting those that run, and hold nobody else back', () => {
  const run = { id: 'digits#1' }
  const candidates = ['a (1)', 'a (2)', 'b (0)'].map((key) => ({
    run,
    step: member(key, key.startsWith('a') ? { maxParallel: 2 } : {}),
  }))
  const steps = new Map([
    [run.id, ['a (0)', 'a (1)', 'a (2)'].map((key, at) => ({ key, state: at === 0 ? 'running' : 'waiting' }) as const)],
  ])

  const { free, held } = holdParallel(candidates, steps, NOTHING)

  expect(free.map(({ step }) => step.key)).toEqual(['a (1)', 'b (0)'])
  expect(held.map(({ each, why }) => [each.step.key, why])).toEqual([['a (2)', 'waits for max-parallel 2 of matrix a']])
})

test('a member that is still being looked up keeps its place before those after it', () => {
  const run = { id: 'digits#1' }
  const candidates = [{ run, step: member('a (1)', { maxParallel: 1 }) }]
  const steps = new Map([[run.id, ['a (0)', 'a (1)'].map((key) => ({ key, state: 'waiting' as const }))]])

  expect(holdParallel(candidates, steps, { ...NOTHING, isResolving: (id) => id === 'digits#1/a (0)' }).free).toEqual([])
  expect(holdParallel(candidates, steps, NOTHING).free).toEqual(candidates)
})

test('a member that was admitted counts as one that runs, before its row says so', () => {
  const run = { id: 'digits#1' }
  const candidates = [{ run, step: member('a (1)', { maxParallel: 1 }) }]
  const steps = new Map([[run.id, ['a (0)', 'a (1)'].map((key) => ({ key, state: 'waiting' as const }))]])

  expect(holdParallel(candidates, steps, { ...NOTHING, isBegun: (id) => id === 'digits#1/a (0)' }).free).toEqual([])
})

test('matrices of the same name in different runs are not one', () => {
  const candidates = ['x#1', 'x#2'].map((id) => ({ run: { id }, step: member('a (0)', { maxParallel: 1 }) }))

  expect(holdParallel(candidates, new Map(), NOTHING).free).toHaveLength(2)
})
