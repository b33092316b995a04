import { expect, test } from 'vitest'
import { admitRetraining } from './admit-retraining.ts'
import { decideAlert } from './decide-alert.ts'

const DAY = 86_400_000

test('an alert fires after so many windows of trouble in a row', () => {
  const question = { forWindows: 2, isFiring: false }

  expect(decideAlert({ ...question, windows: ['trouble'] })).toBe('stay')
  expect(decideAlert({ ...question, windows: ['trouble', 'ok', 'trouble'] })).toBe('stay')
  expect(decideAlert({ ...question, windows: ['ok', 'trouble', 'trouble'] })).toBe('fire')
})

test('windows with too few rows neither count nor interrupt', () => {
  expect(decideAlert({ windows: ['trouble', 'too-few-rows', 'trouble'], forWindows: 2, isFiring: false })).toBe('fire')
  expect(decideAlert({ windows: ['too-few-rows', 'too-few-rows'], forWindows: 2, isFiring: true })).toBe('stay')
})

test('a firing alert is resolved by as many good windows and does not fire again', () => {
  const question = { forWindows: 2, isFiring: true }

  expect(decideAlert({ ...question, windows: ['trouble', 'trouble'] })).toBe('stay')
  expect(decideAlert({ ...question, windows: ['trouble', 'ok'] })).toBe('stay')
  expect(decideAlert({ ...question, windows: ['trouble', 'ok', 'ok'] })).toBe('resolve')
})

test('the first retraining is admitted', () => {
  expect(admitRetraining([], { cooldownMs: DAY }, 1)).toEqual({ kind: 'admitted' })
})

test('a retraining that still runs keeps others out', () => {
  const history = [{ at: 0, isFinished: false, run: 'digits#7' }]

  expect(admitRetraining(history, { cooldownMs: 0 }, 9 * DAY)).toEqual({
    kind: 'refused',
    why: 'retraining run digits#7 has not ended',
  })
})

test('the cooldown counts from the start of the last retraining', () => {
  const history = [
    { at: 5 * DAY, isFinished: true, run: 'a' },
    { at: 1 * DAY, isFinished: true, run: 'b' },
  ]

  expect(admitRetraining(history, { cooldownMs: 7 * DAY }, 8 * DAY)).toEqual({
    kind: 'refused',
    why: 'the last retraining began 3 d ago, and the cooldown is 7 d',
    until: 12 * DAY,
  })
  expect(admitRetraining(history, { cooldownMs: 7 * DAY }, 12 * DAY).kind).toBe('admitted')
})

test('the limit per period frees a place when the oldest run leaves it', () => {
  const history = [10, 20, 25].map((day) => ({ at: day * DAY, isFinished: true, run: `r${day}` }))
  const rule = { cooldownMs: 0, limit: { runs: 2, perMs: 30 * DAY } }

  expect(admitRetraining(history, rule, 41 * DAY)).toEqual({
    kind: 'refused',
    why: '2 retraining runs began within 30 d, and the limit is 2',
    until: 50 * DAY,
  })
  expect(admitRetraining(history, rule, 50 * DAY).kind).toBe('admitted')
})
