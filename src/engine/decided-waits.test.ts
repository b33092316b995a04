import { expect, test } from 'vitest'
import type { PlanStep } from '../core/plan.ts'
import { createDecidedWaits } from './decided-waits.ts'

function planOf(
  steps: Record<string, { needs?: string[]; uses?: string[]; if?: string }>,
): ReadonlyMap<string, PlanStep> {
  return new Map(
    Object.entries(steps).map(([key, { needs = [], uses = [], ...rest }]) => [
      key,
      {
        key,
        needs: needs.map((step) => ({ step, optional: false, data: false })),
        uses,
        ...rest,
      } as unknown as PlanStep,
    ]),
  )
}

const PLAN = planOf({
  env: {},
  a: { uses: ['env'] },
  b: { needs: ['a'] },
  c: { needs: ['a', 'b'] },
  d: { needs: ['c'] },
})

function waitsOf(...keys: string[]) {
  const waits = createDecidedWaits()
  for (const key of keys) waits.add('p#1', key, PLAN)
  return waits
}

test('what ended lets those be decided again that need or use it, and no others', () => {
  const waits = waitsOf('a', 'b', 'c', 'd')

  waits.ended('p#1', ['env'])
  expect(['a', 'b', 'c', 'd'].filter((key) => waits.has('p#1', key))).toEqual(['b', 'c', 'd'])

  waits.ended('p#1', ['a'])
  expect(['a', 'b', 'c', 'd'].filter((key) => waits.has('p#1', key))).toEqual(['d'])
})

test('who asks for an outcome is decided again when that step, or a member of that matrix, has ended', () => {
  const plan = planOf({
    'u (1)': {},
    'u (2)': {},
    a: {},
    b: {},
    c: { needs: ['b'], if: "always() and steps.u.outcome == 'failed'" },
  })
  for (const ended of ['u (1)', 'u (2)', 'b']) {
    const waits = createDecidedWaits()
    waits.add('p#1', 'c', plan)
    waits.ended('p#1', ['a'])
    expect(waits.has('p#1', 'c')).toBe(true)

    waits.ended('p#1', [ended])

    expect(waits.has('p#1', 'c')).toBe(false)
  }
})

test('a step that was decided again may wait again', () => {
  const waits = waitsOf('c')
  waits.ended('p#1', ['a'])

  waits.add('p#1', 'c', PLAN)

  expect(waits.has('p#1', 'c')).toBe(true)
})

test('runs do not mix, and those that are gone or read anew are forgotten', () => {
  const waits = waitsOf('b')
  waits.add('p#2', 'b', PLAN)
  waits.ended('p#2', ['a'])
  expect([waits.has('p#1', 'b'), waits.has('p#2', 'b'), waits.has('p#3', 'b')]).toEqual([true, false, false])

  waits.forget('p#1')
  waits.add('p#2', 'd', PLAN)
  waits.keep(new Set(['p#1']))

  expect([waits.has('p#1', 'b'), waits.has('p#2', 'd')]).toEqual([false, false])
})
