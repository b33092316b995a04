import type { Kernel } from './kernel.ts'
import { setQueuedWhy, type RunGlance } from './runs.sql.ts'
import { startRun } from './settle-run.ts'

/** More runs of a project wait in the queue, so that one project's thousand pushes do not slow every pass. */
const RUNNING_PER_PROJECT = 20

/**
 * Starts queued runs, oldest first: one at a time in a concurrency group, in the order they were made.
 * Those that stay say why. `runs` are all that have not ended; started ones are marked there.
 */
export async function startQueued(kernel: Kernel, runs: RunGlance[]): Promise<void> {
  for (const [at, run] of runs.entries()) {
    if (run.state !== 'queued') continue
    const why = whyQueued(run, runs)
    if (why === undefined) {
      await startRun(kernel, run)
      runs[at] = { ...run, state: 'running', reason: null }
    } else if (run.reason !== why) await kernel.write((writer) => setQueuedWhy(writer, run.id, why))
  }
}

/** Why a queued run may not start, in words; undefined: it may. */
export function whyQueued(run: RunGlance, runs: readonly RunGlance[]): string | undefined {
  const others = runs.filter((other) => other.project === run.project && other.id !== run.id)
  const ahead = others.find(
    (other) =>
      run.concurrency_group !== null && other.concurrency_group === run.concurrency_group && other.number < run.number,
  )
  if (ahead !== undefined)
    return `waits for ${ahead.id}, which is ahead in the concurrency group ${run.concurrency_group}`
  const started = others.filter((other) => other.state !== 'queued').length
  return started >= RUNNING_PER_PROJECT ? `waits: ${started} runs of ${run.project} are under way` : undefined
}
