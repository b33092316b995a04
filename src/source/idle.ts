import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'

/** Git itself sends something every five seconds, so silence means a client that does not read. */
const IDLE_MS = 120_000

/** Closes the connection when nothing has come out of `source` for two minutes. Returns how to stop. */
export function closeWhenIdle(response: ServerResponse, source: Readable): () => void {
  const timer = setTimeout(() => response.destroy(), IDLE_MS)
  const refresh = () => timer.refresh()
  source.on('data', refresh)
  return () => {
    clearTimeout(timer)
    source.off('data', refresh)
  }
}
