import { Cron } from 'croner'
import { zoneClock, type ZoneClock } from '../lib/zone-clock.ts'
import type { ScheduleSpec } from './pipeline.ts'

/**
 * The first time of a schedule after `afterMs`. What happens where clocks are set forward or back depends on its hours, as
 * in Debian's cron. One that names them (`2`, `2,14`, `9-17`, `*\/2`) goes by what clocks show: its times that they pass
 * over are one run at the end of the gap, however many they are, and times that they show twice count the first time. One
 * with `*` for the hour goes by the time that passes: nothing is caught up after a gap, and the hour that comes twice has
 * its times twice.
 */
export function nextTime({ cron, timezone }: ScheduleSpec, afterMs: number): number | undefined {
  // Asked about readings of clocks, which go on evenly; when they are there is found out here.
  const readings = new Cron(cron.trim(), { timezone: 'UTC', paused: true, mode: '5-part' })
  const nextReading = (after: number) => readings.nextRun(new Date(after))?.getTime()
  const clock = zoneClock(timezone)
  return isEveryHour(cron) ? nextByTime(nextReading, clock, afterMs) : nextByClock(nextReading, clock, afterMs)
}

type NextReading = (after: number) => number | undefined

function isEveryHour(cron: string): boolean {
  return /^\*(\/1)?$/.test(cron.trim().split(/\s+/)[1] ?? '')
}

function nextByClock(nextReading: NextReading, clock: ZoneClock, afterMs: number): number | undefined {
  let reading = nextReading(afterMs + clock.offsetAt(afterMs))
  for (; reading !== undefined; reading = nextReading(reading)) {
    const instant = clock.firstInstantOf(reading)
    if (instant > afterMs) return instant
  }
  return undefined
}

/** Between changes of the clocks, one stretch after another. */
function nextByTime(nextReading: NextReading, clock: ZoneClock, afterMs: number): number | undefined {
  let from = afterMs
  let offset = clock.offsetAt(from)
  let reading = nextReading(from + offset)
  while (reading !== undefined) {
    const change = clock.firstChange(from, reading - offset)
    if (change === undefined) return reading - offset
    from = change
    offset = clock.offsetAt(from)
    // The first instant of a stretch may be one of its times.
    reading = nextReading(from + offset - SECOND_MS)
  }
  return undefined
}

const SECOND_MS = 1_000

/** All reasons why a schedule cannot be followed. */
export function scheduleProblems({ cron, timezone }: ScheduleSpec): ScheduleProblem[] {
  const problems: ScheduleProblem[] = []
  const isKnown = isTimezone(timezone)
  if (!isKnown) problems.push({ key: 'timezone', message: 'write a time zone as Europe/Paris' })
  const message = cronProblem({ cron, timezone: isKnown ? timezone : 'UTC' })
  if (message !== undefined) problems.push({ key: 'cron', message })
  return problems
}

interface ScheduleProblem {
  readonly key: 'cron' | 'timezone'
  readonly message: string
}

function cronProblem(schedule: ScheduleSpec): string | undefined {
  if (schedule.cron.trim().split(/\s+/).length !== 5) return CRON_HINT
  try {
    // Looked for from a fixed day on: the answer must not depend on when somebody asks.
    return nextTime(schedule, SOME_DAY) === undefined ? 'this time never comes' : undefined
  } catch {
    return CRON_HINT
  }
}

const CRON_HINT = 'write minute, hour, day of the month, month and day of the week, as "0 4 * * 1": Mondays at four'
const SOME_DAY = Date.UTC(2024, 0, 1)

export function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
