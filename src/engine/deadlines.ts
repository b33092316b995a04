/** What an attempt is allowed, and since when it runs by the clock of the wall. */
export interface Timed {
  readonly id: string
  readonly startedAt: number | null
  readonly allowedMs: number
}

export interface Clocks {
  /** Milliseconds since 1970, which people and time servers set. */
  wall(): number
  /** Milliseconds that only grow, and stand still while the machine sleeps. */
  steady(): number
}

const CLOCKS: Clocks = { wall: () => Date.now(), steady: () => performance.now() }

/**
 * The backstop behind the supervisor's own timeout: which attempts should have ended long ago. What we watched
 * ourselves is counted on the steady clock; of what ran before we came the wall clock tells. Since that one may
 * have been set meanwhile, an attempt that we see for the first time always has `leastMs` left.
 */
export function createDeadlines(leastMs: number, clocks = CLOCKS) {
  const endsAt = new Map<string, number>()

  return {
    isOver({ id, startedAt, allowedMs }: Timed): boolean {
      const now = clocks.steady()
      const known = endsAt.get(id)
      if (known !== undefined) return now > known
      const ranMs = startedAt === null ? 0 : Math.max(0, clocks.wall() - startedAt)
      endsAt.set(id, now + Math.max(leastMs, allowedMs - ranMs))
      return false
    },
    /** Forgets all but these. */
    keep(ids: ReadonlySet<string>): void {
      for (const id of endsAt.keys()) if (!ids.has(id)) endsAt.delete(id)
    },
  }
}
