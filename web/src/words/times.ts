const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** `just now`, `3 minutes ago`, `yesterday`. */
export function asAgo(at: number, now: number): string {
  const ms = at - now
  for (const [unit, size] of UNITS) if (Math.abs(ms) >= size) return RELATIVE.format(Math.round(ms / size), unit)
  return 'just now'
}

export function asExactTime(at: number): string {
  return EXACT.format(at)
}
