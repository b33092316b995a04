import { expect, test } from 'vitest'
import type { PlanStep } from '../core/plan.ts'
import type { StepState } from '../core/run-state.ts'
import { decideStep } from './decide-step.ts'

const RUN = { branch: 'main', event: 'push', tag: null }

function decide(step: { needs?: PlanStep['needs']; uses?: string[]; if?: string }, states: Record<string, StepState>) {
  return decideStep({ needs: [], uses: [], ...step } as unknown as PlanStep, new Map(Object.entries(states)), RUN)
}

const required = (...steps: string[]) => steps.map((step) => ({ step, optional: false, data: false }))
const optional = (...steps: string[]) => steps.map((step) => ({ step, optional: true, data: false }))

test('a step without needs is ready', () => {
  expect(decide({}, {})).toEqual({ kind: 'ready' })
})

test('a step waits for what has not ended, and names it', () => {
  const states = { a: 'running', b: 'waiting', c: 'succeeded' } as const
  expect(decide({ needs: required('a', 'b', 'c') }, states)).toEqual({ kind: 'wait', why: 'waits for a and b' })
})

test('long lists of needs are cut', () => {
  const states = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((key) => [key, 'waiting' as const]))
  expect(decide({ needs: required('a', 'b', 'c', 'd', 'e') }, states)).toEqual({
    kind: 'wait',
    why: 'waits for a, b, c and 2 more',
  })
})

test('a step is skipped as soon as one need has failed, while others still run', () => {
  expect(decide({ needs: required('a', 'b') }, { a: 'running', b: 'failed' })).toEqual({
    kind: 'skip',
    why: 'b failed',
  })
})

test('a skipped need blocks, unless it is optional; a failed one blocks always', () => {
  expect(decide({ needs: required('a') }, { a: 'skipped' })).toEqual({ kind: 'skip', why: 'a was skipped' })
  expect(decide({ needs: optional('a') }, { a: 'skipped' })).toEqual({ kind: 'ready' })
  expect(decide({ needs: optional('a') }, { a: 'failed' })).toEqual({ kind: 'skip', why: 'a failed' })
})

test('a need that is not part of the run blocks, unless it is optional', () => {
  expect(decide({ needs: required('a') }, {})).toMatchObject({ kind: 'skip' })
  expect(decide({ needs: optional('a') }, {})).toEqual({ kind: 'ready' })
})

test('a condition on the outcome waits until all needs have ended', () => {
  const step = { needs: required('a', 'b'), if: 'failure()' }
  expect(decide(step, { a: 'failed', b: 'running' })).toMatchObject({ kind: 'wait' })
  expect(decide(step, { a: 'failed', b: 'succeeded' })).toEqual({ kind: 'ready' })
  expect(decide(step, { a: 'succeeded', b: 'succeeded' })).toMatchObject({ kind: 'skip' })
})

test('a condition that asks for no outcome holds only after success', () => {
  const step = { needs: required('a'), if: "branch == 'main'" }
  expect(decide(step, { a: 'succeeded' })).toEqual({ kind: 'ready' })
  expect(decide(step, { a: 'failed' })).toEqual({ kind: 'skip', why: 'a failed' })
})

test('the outcome of a matrix is failed when one member failed', () => {
  const step = { needs: required('u (1)', 'u (2)'), if: "always() and steps.u.outcome == 'failed'" }
  expect(decide(step, { 'u (1)': 'succeeded', 'u (2)': 'failed' })).toEqual({ kind: 'ready' })
  expect(decide(step, { 'u (1)': 'succeeded', 'u (2)': 'succeeded' })).toMatchObject({ kind: 'skip' })
})

test('a step whose condition names an outcome waits for it, also behind a need that was skipped at once', () => {
  const step = { needs: required('train'), if: "always() and steps.setup.outcome == 'succeeded'" }
  expect(decide(step, { setup: 'running', train: 'skipped' })).toEqual({ kind: 'wait', why: 'waits for setup' })
  expect(decide(step, { setup: 'succeeded', train: 'skipped' })).toEqual({ kind: 'ready' })
  expect(decide(step, { setup: 'failed', train: 'skipped' })).toMatchObject({ kind: 'skip' })
})

test('the outcome of a matrix is known when its last member has ended', () => {
  const step = { needs: optional('train'), if: "steps.u.outcome == 'succeeded'" }
  const states = {
    'u (1)': 'running',
    'u (2)': 'waiting',
    'u (3)': 'failed',
    unit: 'running',
    train: 'skipped',
  } as const
  expect(decide(step, states)).toEqual({ kind: 'wait', why: 'waits for u (1) and u (2)' })
})

test('who asks for the outcome of a step that is not part of the run does not wait for it', () => {
  const step = { needs: required('a'), if: "always() and steps.gone.outcome == 'succeeded'" }
  expect(decide(step, { a: 'succeeded' })).toMatchObject({ kind: 'skip' })
})

test('failure() is about what failed, not about what was skipped by its own condition', () => {
  const asks = { needs: required('a'), if: 'failure()' }
  expect(decide(asks, { a: 'skipped' }).kind).toBe('skip')
  expect(decide(asks, { a: 'failed' })).toEqual({ kind: 'ready' })
  expect(decide({ ...asks, if: 'always()' }, { a: 'skipped' })).toEqual({ kind: 'ready' })
})

test('failure() sees through a step that was skipped because of a failure', () => {
  const step = { key: 'c', needs: required('b'), uses: [], if: 'failure()' } as unknown as PlanStep
  const skipped = { key: 'b', needs: required('a'), uses: [] } as unknown as PlanStep
  const states = new Map<string, StepState>([
    ['a', 'failed'],
    ['b', 'skipped'],
  ])

  const decision = decideStep(step, states, RUN, new Map([['b', skipped]]))

  expect(decision).toEqual({ kind: 'ready' })
})

test('without its build environment nothing runs, whatever the condition', () => {
  const step = { needs: required('environment'), uses: ['environment'], if: 'always()' }
  expect(decide(step, { environment: 'failed' })).toEqual({ kind: 'skip', why: 'environment failed' })
})
