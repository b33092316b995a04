import { once } from 'node:events'
import type { TestServerProcess } from '../harness/server-process.ts'

/** Starts the server again each time it is killed, until told to stop. */
export function keepUp(place: TestServerProcess): { stop(): Promise<(number | undefined)[]> } {
  const starts: (number | undefined)[] = []
  const stopping = new AbortController()
  const stopped = once(stopping.signal, 'abort')
  const running = goOn()

  async function goOn(): Promise<void> {
    while (!stopping.signal.aborted) {
      await Promise.race([place.exited(), stopped])
      if (!place.isRunning) starts.push(await place.start())
    }
  }

  return {
    async stop() {
      stopping.abort()
      await running
      return starts
    },
  }
}
