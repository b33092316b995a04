import { Cron } from 'croner'
import type { ScheduleSpec } from './pipeline.ts'

/**
 * The first time of a schedule after `afterMs`. Where clocks go forward, a time that does not exist is the first
 * one after the gap; where they go back, one that exists twice counts once.
 */
export function nextTime(schedule: ScheduleSpec, afterMs: number): number | undefined {
  return cronOf(schedule).nextRun(new Date(afterMs))?.getTime()
}

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

function cronOf({ cron, timezone }: ScheduleSpec): Cron {
  return new Cron(cron.trim(), { timezone, paused: true, mode: '5-part' })
}

export function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
