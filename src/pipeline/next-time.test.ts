import { expect, test } from 'vitest'
import { nextTime, scheduleProblems } from './next-time.ts'

const next = (cron: string, timezone: string, after: string) =>
  new Date(nextTime({ cron, timezone }, Date.parse(after)) ?? Number.NaN).toISOString()

test.each([
  ['0 4 * * 1', 'UTC', '2026-11-23T04:00:00Z', '2026-11-30T04:00:00.000Z'],
  ['0 4 * * 1', 'UTC', '2026-11-23T03:59:59Z', '2026-11-23T04:00:00.000Z'],
  ['*/15 8-9 * * mon-fri', 'UTC', '2026-11-20T09:45:00Z', '2026-11-23T08:00:00.000Z'],
  // The same time of day, before and after clocks go back.
  ['0 4 * * *', 'Europe/Paris', '2026-10-24T00:00:00Z', '2026-10-24T02:00:00.000Z'],
  ['0 4 * * *', 'Europe/Paris', '2026-10-25T00:00:00Z', '2026-10-25T03:00:00.000Z'],
  // 02:30 is not there on 29 March in Paris: the end of the gap is 03:00, which is 01:00 in UTC.
  ['30 2 * * *', 'Europe/Paris', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00.000Z'],
  ['30 2 * * *', 'Europe/Paris', '2026-03-29T01:00:00Z', '2026-03-30T00:30:00.000Z'],
  // 02:30 is there twice on 25 October: only the first one counts.
  ['30 2 * * *', 'Europe/Paris', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00.000Z'],
  ['30 2 * * *', 'Europe/Paris', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00.000Z'],
  // Half an hour, and in the southern hemisphere.
  ['0 9 * * *', 'Australia/Lord_Howe', '2026-04-04T12:00:00Z', '2026-04-04T22:30:00.000Z'],
  ['0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
])('%s in %s after %s is %s', (cron, timezone, after, expected) => {
  expect(next(cron, timezone, after)).toBe(expected)
})

test('what is no schedule is refused with what to write', () => {
  const hint = 'write minute, hour, day of the month, month and day of the week, as "0 4 * * 1": Mondays at four'
  for (const cron of ['@daily', '0 4 * *', '0 0 4 * * 1', '60 * * * *', '*/0 * * * *', 'a b c d e', '']) {
    expect(scheduleProblems({ cron, timezone: 'UTC' }), cron).toEqual([{ key: 'cron', message: hint }])
  }
  expect(scheduleProblems({ cron: '0 0 31 2 *', timezone: 'UTC' })).toMatchObject([
    { message: 'this time never comes' },
  ])
  expect(scheduleProblems({ cron: '0 0 * * *', timezone: 'Mars/Base' })).toMatchObject([{ key: 'timezone' }])
  expect(scheduleProblems({ cron: '0 25 * * *', timezone: 'Mars/Base' }).map(({ key }) => key)).toEqual([
    'timezone',
    'cron',
  ])
})
