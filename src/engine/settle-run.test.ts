import { expect, test } from 'vitest'
import type { Plan } from '../core/plan.ts'
import { judgeRun } from './settle-run.ts'
import type { StepGlance } from './steps.sql.ts'
import { judgeQueue } from './start-queued.ts'
import type { RunGlance } from './runs.sql.ts'

const RUNNING = { state: 'running', reason: null } as const
const PLAN: Plan = { version: 1, steps: [] }

function step(key: string, state: StepGlance['state'], changes: Partial<StepGlance> = {}): StepGlance {
  const empty = { why: null, cache: null, reason: null, message: null, ended_at: null, position: 0, adopts: 0 }
  return { run_id: 'p#1', key, state, ...empty, ...changes }
}

test('a run has not ended while a step has not', () => {
  expect(judgeRun(RUNNING, PLAN, [step('a', 'failed'), step('b', 'running')])).toBeUndefined()
})

test('a run whose steps succeeded or were skipped has succeeded, and one without steps too', () => {
  expect(judgeRun(RUNNING, PLAN, [step('a', 'succeeded'), step('b', 'skipped')])?.event).toBe('succeed')
  expect(judgeRun(RUNNING, PLAN, [])?.event).toBe('succeed')
})

test('the reason names the step that failed first', () => {
  const steps = [
    step('late', 'failed', { ended_at: 9, message: 'late.' }),
    step('first', 'failed', { ended_at: 3, message: 'no such file.', position: 1 }),
  ]
  expect(judgeRun(RUNNING, PLAN, steps)).toEqual({
    event: 'fail',
    reason: 'first failed: no such file. (and 1 more failed)',
  })
})

test('a run that is being cancelled is cancelled, whatever its steps did', () => {
  const run = { state: 'cancelling', reason: 'cancelled by bo' } as const
  expect(judgeRun(run, PLAN, [step('a', 'failed')])).toEqual({ event: 'settle', reason: 'cancelled by bo' })
})

test('a run waits for older ones of its group, and for room among its project, and no others', () => {
  const run = (number: number, changes: Partial<RunGlance> = {}): RunGlance => ({
    ...queued(number),
    concurrency_group: 'main',
    ...changes,
  })
  const why = (asked: RunGlance, ...others: RunGlance[]) =>
    judgeQueue([...others, asked]).waits.find((each) => each.run === asked)?.why
  expect(why(run(2), run(1))).toContain('waits for p#1')
  expect(why(run(1), run(2))).toBeUndefined()
  expect(why(run(2, { concurrency_group: null }), run(1))).toBeUndefined()
  expect(why(run(2), run(1, { project: 'q' }))).toBeUndefined()
  const busy = Array.from({ length: 20 }, (_, at) => run(at, { state: 'running', concurrency_group: `g${at}` }))
  expect(why(run(50), ...busy)).toBe('waits: 20 runs of p are under way')
})

test('of a long queue as many are started as there is room for, the oldest first', () => {
  const queue = Array.from({ length: 2_000 }, (_, at) => queued(at))

  const { start, waits } = judgeQueue(queue)

  expect(start.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, at) => at))
  expect(waits).toHaveLength(1_980)
})

function queued(number: number): RunGlance {
  return {
    id: `p#${number}`,
    project: 'p',
    number,
    state: 'queued',
    reason: null,
    cancel_mode: null,
    branch: 'main',
    event: 'push',
    tag: null,
    concurrency_group: null,
    created_at: number,
  }
}
