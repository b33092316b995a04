import { expect, test } from 'vitest'
import type { PlanStep } from '../core/plan.ts'
import { stepsSeen } from './steps-seen.ts'

const step = (key: string, needs: readonly string[], parts: Partial<PlanStep> = {}): PlanStep =>
  ({
    key,
    needs: needs.map((need) => ({ step: need, optional: false, data: false })),
    work: { kind: 'command', run: key, env: {}, secrets: [] },
    ...parts,
  }) as PlanStep

const task = { work: { kind: 'task', task: 'gate', input: {} } } as const

const STEPS = new Map(
  [step('a', []), step('b', []), step('c', ['a'], { deps: ['x'] }), step('d', ['c'])].map((one) => [one.key, one]),
)

test.each([
  ['a step without deps sees what its needs were made of', step('e', ['d']), ['d', 'c', 'a']],
  ['a step with deps sees nobody whose data it does not name', step('e', ['d'], { deps: ['y'] }), []],
  ['a task sees only its needs', step('e', ['d'], task), ['d']],
])('%s', (_name, of, expected) => {
  expect([...stepsSeen(STEPS, of)]).toEqual(expected)
})
