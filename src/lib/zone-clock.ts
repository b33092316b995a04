/**
 * What the clocks of a time zone show. A reading of them is written as the milliseconds at which clocks in UTC show the
 * same, so that it can be counted with; one reading can be there twice, or not at all.
 */
export interface ZoneClock {
  /** The reading at an instant, less that instant. */
  offsetAt(instant: number): number
  /** The first instant after `from`, up to `to`, from which on clocks are set otherwise. */
  firstChange(from: number, to: number): number | undefined
  /** The first instant at which clocks show a reading; where they pass over it, the one at which they do. */
  firstInstantOf(reading: number): number
}

const HALF_A_DAY_MS = 12 * 3_600_000

export function zoneClock(timezone: string): ZoneClock {
  const format = formatOf(timezone)

  function offsetAt(instant: number): number {
    const shown: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(instant)) shown[type] = Number(value)
    const { year = 0, month = 1, day, hour, minute, second } = shown
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000
  }

  function firstChange(from: number, to: number): number | undefined {
    for (let before = from; before < to; before += HALF_A_DAY_MS) {
      const after = Math.min(before + HALF_A_DAY_MS, to)
      if (offsetAt(before) !== offsetAt(after)) return changeBetween(before, after)
    }
    return undefined
  }

  function changeBetween(before: number, after: number): number {
    const offset = offsetAt(before)
    let [least, most] = [before, after]
    while (most - least > 1) {
      const middle = Math.floor((least + most) / 2)
      if (offsetAt(middle) === offset) least = middle
      else most = middle
    }
    return most
  }

  function firstInstantOf(reading: number): number {
    // A day off is before or after any change near the reading: no zone is further from UTC than 14 hours.
    const offsets = [offsetAt(reading - 2 * HALF_A_DAY_MS), offsetAt(reading + 2 * HALF_A_DAY_MS)]
    const instants = offsets.map((offset) => reading - offset)
    const shown = instants.filter((instant, at) => offsetAt(instant) === offsets[at])
    return shown.length > 0 ? Math.min(...shown) : changeBetween(Math.min(...instants), Math.max(...instants))
  }

  return { offsetAt, firstChange, firstInstantOf }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Making one takes longer than a hundred uses of it. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known !== undefined) return known
  const number = 'numeric'
  const parts = { year: number, month: number, day: number, hour: number, minute: number, second: number } as const
  const made = new Intl.DateTimeFormat('en', { ...parts, timeZone, hourCycle: 'h23', calendar: 'gregory' })
  formats.set(timeZone, made)
  return made
}
