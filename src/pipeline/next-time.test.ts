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

const times = (cron: string, timezone: string, from: string, to: string) => {
  const found: string[] = []
  for (let at = Date.parse(from); ;) {
    at = nextTime({ cron, timezone }, at) ?? Infinity
    if (at >= Date.parse(to)) return found
    found.push(new Date(at).toISOString().slice(11, 16))
  }
}

// In Paris 02:00 to 03:00 is not there on 29 March 2026: 01:00 in UTC is 03:00.
test.each([
  ['30 2,14 * * *', ['01:00', '12:30']],
  ['0,30 2 * * *', ['01:00']],
  ['*/15 2 * * *', ['01:00']],
  ['0 2,3 * * *', ['01:00']],
  [
    '0 */2 * * *',
    ['23:00', '01:00', '02:00', '04:00', '06:00', '08:00', '10:00', '12:00', '14:00', '16:00', '18:00', '20:00'],
  ],
  ['0 1-3 29 3 *', ['00:00', '01:00']],
  ['30 2 * * 1-6', []],
])('where clocks go forward, %s runs at %j', (cron, expected) => {
  expect(times(cron, 'Europe/Paris', '2026-03-28T22:59:59Z', '2026-03-29T22:00:00Z')).toEqual(expected)
})

// In Paris 02:00 to 03:00 is there twice on 25 October 2026, from 00:00 and from 01:00 in UTC.
test.each([
  ['0,30 2 * * *', ['00:00', '00:30']],
  ['30 2,14 * * *', ['00:30', '13:30']],
  ['*/20 2-3 * * *', ['00:00', '00:20', '00:40', '02:00', '02:20', '02:40']],
  ['0 1-4 * * *', ['23:00', '00:00', '02:00', '03:00']],
])('where clocks go back, %s runs at %j', (cron, expected) => {
  expect(times(cron, 'Europe/Paris', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z')).toEqual(expected)
})

test('with * for the hour, the time that passes counts: nothing is caught up, and the hour that comes twice is two', () => {
  expect(times('*/30 * * * *', 'Europe/Paris', '2026-03-29T00:00:00Z', '2026-03-29T02:01:00Z')).toEqual([
    '00:30',
    '01:00',
    '01:30',
    '02:00',
  ])
  expect(times('15 * * * *', 'Europe/Paris', '2026-10-24T23:00:00Z', '2026-10-25T03:00:00Z')).toEqual([
    '23:15',
    '00:15',
    '01:15',
    '02:15',
  ])
  expect(times('0 * 25 10 *', 'Europe/Paris', '2026-01-01T00:00:00Z', '2026-12-01T00:00:00Z')).toHaveLength(25)
  expect(times('0 * 29 3 *', 'Europe/Paris', '2026-01-01T00:00:00Z', '2026-12-01T00:00:00Z')).toHaveLength(23)
})

test('clocks may also be set by half an hour, or by a day', () => {
  const hourly = (from: string, to: string) => times('0 * * * *', 'Australia/Lord_Howe', from, to)
  expect(hourly('2026-04-04T13:00:00Z', '2026-04-04T17:00:00Z')).toEqual(['14:00', '15:30', '16:30'])
  expect(hourly('2026-10-03T13:00:00Z', '2026-10-03T17:30:00Z')).toEqual(['13:30', '14:30', '16:00', '17:00'])
  expect(times('30 4 30 12 *', 'Pacific/Apia', '2011-12-29T00:00:00Z', '2012-01-10T00:00:00Z')).toEqual(['10:00'])
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
