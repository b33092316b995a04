import { expect, test } from 'vitest'
import { WEEK_DAYS, type WindowSpec } from '../../pipeline/pipeline.ts'
import { isWindowOpen } from './window.ts'

const OFFICE: WindowSpec = {
  days: ['mon', 'tue', 'wed', 'thu'],
  fromMinute: 9 * 60,
  toMinute: 16 * 60,
  timezone: 'Europe/Paris',
}

test('no window is always open', () => {
  expect(isWindowOpen(undefined, Date.now())).toBe(true)
})

test.each([
  ['Monday 08:59 in Paris', '2026-01-05T07:59:59Z', false],
  ['Monday 09:00 in Paris, in winter', '2026-01-05T08:00:00Z', true],
  ['Monday 09:00 in Paris, in summer', '2026-07-06T07:00:00Z', true],
  ['the same hour of UTC in winter, an hour too early in Paris', '2026-01-05T07:00:00Z', false],
  ['Monday 15:59', '2026-01-05T14:59:59Z', true],
  ['Monday 16:00, which is not included', '2026-01-05T15:00:00Z', false],
  ['a Friday', '2026-01-09T11:00:00Z', false],
])('office hours at %s', (_, at, isOpen) => {
  expect(isWindowOpen(OFFICE, Date.parse(at))).toBe(isOpen)
})

test('the day is the one of the window’s own time zone', () => {
  const monday: WindowSpec = { days: ['mon'], fromMinute: 0, toMinute: 1_440, timezone: 'Pacific/Auckland' }

  expect(isWindowOpen(monday, Date.parse('2026-01-04T12:00:00Z'))).toBe(true)
  expect(isWindowOpen(monday, Date.parse('2026-01-05T12:00:00Z'))).toBe(false)
})

test('a whole day is open from its first minute to its last, and the night between two days too', () => {
  const always: WindowSpec = { days: WEEK_DAYS, fromMinute: 0, toMinute: 1_440, timezone: 'UTC' }

  for (const at of ['2026-01-05T00:00:00Z', '2026-01-05T23:59:59Z', '2026-01-06T00:00:00Z'])
    expect(isWindowOpen(always, Date.parse(at))).toBe(true)
})
