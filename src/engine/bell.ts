/** A wait that can be ended from outside; a ring that came while nobody waited is not lost. */
export interface Bell {
  ring(): void
  /** Ends the wait, this one or the next, without a ring. */
  nudge(): void
  /** Whether it has rung since the last `take`. */
  take(): boolean
  /** Until it rings or the time is over. */
  wait(timeoutMs: number): Promise<void>
}

export function createBell(): Bell {
  let rung = false
  let nudged = false
  let wake: (() => void) | undefined
  return {
    ring() {
      rung = true
      wake?.()
    },
    nudge() {
      nudged = true
      wake?.()
    },
    take() {
      const answer = rung
      rung = false
      return answer
    },
    async wait(timeoutMs) {
      if (!rung && !nudged) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      wake = undefined
      nudged = false
    },
  }
}
