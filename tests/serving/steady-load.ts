import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from './serving-place.ts'

export interface Answered {
  readonly status: number
  readonly version: string | null
  readonly arm: string | null
  readonly key: string
  /** As `performance.now()`. */
  readonly sentAt: number
}

/** Requests at a steady rate, each with a key of its own in `x-customer`, until `stop`: what a population of users is. */
export function startLoad(base: string, perSecond: number): { stop(): Promise<Answered[]> } {
  const answers: Promise<Answered>[] = []
  const stopping = new AbortController()
  const running = (async () => {
    const started = performance.now()
    while (!stopping.signal.aborted) {
      const due = ((performance.now() - started) / 1_000) * perSecond
      while (answers.length < due) answers.push(once(base, `customer-${answers.length % 500}`))
      await sleep(5)
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await running
      return await Promise.all(answers)
    },
  }
}

async function once(base: string, key: string): Promise<Answered> {
  const sentAt = performance.now()
  const response = await ask(base, undefined, { 'x-customer': key }).catch(() => undefined)
  await response?.arrayBuffer()
  return {
    status: response?.status ?? 0,
    version: response?.headers.get('tidegate-version') ?? null,
    arm: response?.headers.get('tidegate-arm') ?? null,
    key,
    sentAt,
  }
}
