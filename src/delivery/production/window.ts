import { WEEK_DAYS, type WeekDay, type WindowSpec } from '../../pipeline/pipeline.ts'

/** Whether a deployment may begin or move now, in the window's own time zone. No window is always open. */
export function isWindowOpen(window: WindowSpec | undefined, now: number): boolean {
  if (window === undefined) return true
  const { day, minute } = localTime(now, window.timezone)
  return window.days.includes(day) && minute >= window.fromMinute && minute < window.toMinute
}

function localTime(now: number, timezone: string): { day: WeekDay; minute: number } {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const parts = new Map(format.formatToParts(now).map((part) => [part.type, part.value]))
  const day = WEEK_DAYS.find((name) => name === parts.get('weekday')?.toLowerCase())
  if (day === undefined) throw new Error(`no weekday in ${timezone}`)
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) }
}
