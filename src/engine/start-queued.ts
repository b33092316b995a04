import type { Kernel } from './kernel.ts'
import { setQueuedWhy, type RunGlance } from './runs.sql.ts'
import { startRun } from './settle-run.ts'

/** More runs of a project wait in the queue, so that one project's thousand pushes do not slow every pass. */
const RUNNING_PER_PROJECT = 20

/**
 * Starts queued runs, oldest first: one at a time in a concurrency group, in the order they were made.
 * Those that stay say why. `runs` are all that have not ended. Answers whether any was started.
 */
export async function startQueued(kernel: Kernel, runs: readonly RunGlance[]): Promise<boolean> {
  const { start, waits } = judgeQueue(runs)
  await Promise.all(start.map((run) => startRun(kernel, run)))
  const unsaid = waits.filter(({ run, why }) => run.reason !== why)
  if (unsaid.length > 0) {
    await kernel.write(async (writer) => {
      for (const [why, same] of Map.groupBy(unsaid, (each) => each.why)) {
        const ids = same.map(({ run }) => run.id)
        await setQueuedWhy(writer, ids, why)
      }
    })
  }
  return start.length > 0
}

export interface QueueJudgement {
  readonly start: readonly RunGlance[]
  /** Why each of the others may not start, in words. */
  readonly waits: readonly { readonly run: RunGlance; readonly why: string }[]
}

/** What is to become of the queued ones of these runs, the oldest first. */
export function judgeQueue(runs: readonly RunGlance[]): QueueJudgement {
  const moving = new Map<string, number>()
  const first = new Map<string, RunGlance>()
  for (const run of runs) {
    if (run.state !== 'queued') moving.set(run.project, (moving.get(run.project) ?? 0) + 1)
    const group = groupOf(run)
    if (group !== undefined && run.number < (first.get(group)?.number ?? Infinity)) first.set(group, run)
  }
  const start: RunGlance[] = []
  const waits: { run: RunGlance; why: string }[] = []
  for (const run of runs) {
    if (run.state !== 'queued') continue
    const why = whyQueued(run, first.get(groupOf(run) ?? ''), moving.get(run.project) ?? 0)
    if (why !== undefined) waits.push({ run, why })
    else {
      start.push(run)
      moving.set(run.project, (moving.get(run.project) ?? 0) + 1)
    }
  }
  return { start, waits }
}

function whyQueued(run: RunGlance, ahead: RunGlance | undefined, moving: number): string | undefined {
  if (ahead !== undefined && ahead.id !== run.id)
    return `waits for ${ahead.id}, which is ahead in the concurrency group ${run.concurrency_group}`
  return moving >= RUNNING_PER_PROJECT ? `waits: ${moving} runs of ${run.project} are under way` : undefined
}

/** No project's name has a space. */
function groupOf({ project, concurrency_group: group }: RunGlance): string | undefined {
  return group === null ? undefined : `${project} ${group}`
}
