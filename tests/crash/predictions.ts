/** Predictions that are asked for without a pause, and what became of them. */
export interface Predictions {
  /** Says that the gateway has been killed: until one is answered again, failures are nobody's fault. */
  gatewayKilled(): void
  stop(): Promise<{
    readonly answered: number
    readonly absencesMs: readonly number[]
    readonly losses: readonly string[]
  }>
}

const PAUSE_MS = 20

export function askWithoutPause(infer: () => Promise<{ status: number }>): Predictions {
  const absencesMs: number[] = []
  const losses: string[] = []
  const stopping = new AbortController()
  /** The first time since an answer, and the last. */
  let killedAt: number | undefined
  let lastKilledAt = -Infinity
  let answered = 0
  const running = goOn()

  async function goOn(): Promise<void> {
    while (!stopping.signal.aborted || killedAt !== undefined) {
      const askedAt = performance.now()
      const said = await infer().then(
        ({ status }) => (status === 200 ? undefined : `a prediction was answered with ${status}`),
        (error: unknown) => `a prediction was not answered: ${String(error)}`,
      )
      note(askedAt, said)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  function note(askedAt: number, failure: string | undefined): void {
    if (failure !== undefined) {
      if (killedAt === undefined) losses.push(`${failure}, though the gateway was there`)
      return
    }
    answered += 1
    // What was asked before the last kill was answered by one that is dead by now.
    if (killedAt === undefined || askedAt < lastKilledAt) return
    absencesMs.push(performance.now() - killedAt)
    killedAt = undefined
  }

  return {
    gatewayKilled() {
      lastKilledAt = performance.now()
      killedAt ??= lastKilledAt
    },
    async stop() {
      stopping.abort()
      await running
      return { answered, absencesMs, losses }
    },
  }
}
