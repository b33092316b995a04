import { asDuration } from './numbers.ts'

/** The last ten beside the ten before, as the command says it. Newest first. */
export function tellTrend(seconds: readonly number[]): string {
  const now = average(seconds.slice(0, 10))
  const before = average(seconds.slice(10, 20))
  if (now === undefined) return ''
  return before === undefined
    ? `Takes ${asDuration(now)}`
    : `Takes ${asDuration(now)}; the ten runs before took ${asDuration(before)}`
}

function average(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}
