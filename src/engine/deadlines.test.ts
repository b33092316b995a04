import { assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { createDeadlines } from './deadlines.ts'

const HOUR = 3_600_000

function clocksAt(wall: number) {
  const time = { wall, steady: 500 }
  return {
    clocks: { wall: () => time.wall, steady: () => time.steady },
    pass: (ms: number) => {
      time.wall += ms
      time.steady += ms
    },
    set: (by: number) => {
      time.wall += by
    },
  }
}

test('an attempt is over when what it is allowed has passed, however the clock of the wall is set meanwhile', () => {
  assert(
    property(integer({ min: -1_000 * HOUR, max: 1_000 * HOUR }), (jump) => {
      const { clocks, pass, set } = clocksAt(1e12)
      const deadlines = createDeadlines(1_000, clocks)
      const attempt = { id: 'p#1/train/1', startedAt: 1e12, allowedMs: HOUR }
      expect(deadlines.isOver(attempt)).toBe(false)
      set(jump)
      pass(HOUR)
      expect(deadlines.isOver(attempt)).toBe(false)
      pass(1)
      expect(deadlines.isOver(attempt)).toBe(true)
    }),
  )
})

test('of what ran before a restart the time until then counts, and there is always a little left', () => {
  const { clocks, pass } = clocksAt(1e12)
  const deadlines = createDeadlines(60_000, clocks)
  const half = { id: 'half', startedAt: 1e12 - HOUR / 2, allowedMs: HOUR }
  const late = { id: 'late', startedAt: 1e12 - 100 * HOUR, allowedMs: HOUR }
  const future = { id: 'future', startedAt: 1e12 + 100 * HOUR, allowedMs: HOUR }
  const over = () => [half, late, future].filter((each) => deadlines.isOver(each)).map(({ id }) => id)

  expect(over()).toEqual([])
  pass(60_001)
  expect(over()).toEqual(['late'])
  pass(HOUR / 2)
  expect(over()).toEqual(['half', 'late'])
  pass(HOUR / 2)
  expect(over()).toEqual(['half', 'late', 'future'])
})
