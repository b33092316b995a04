import type { Plan } from '../core/plan.ts'
import { RUN_TRANSITIONS, STEP_TRANSITIONS } from '../core/run-state.ts'
import { isFinal } from '../core/transitions.ts'
import { appendEvents } from '../db/outbox.ts'
import type { RunRow } from '../db/tables.ts'
import { tryTransition } from '../db/transition.ts'
import type { Kernel } from './kernel.ts'
import { runEnded } from './run-events.ts'
import type { StepGlance } from './steps.sql.ts'

export interface RunEnd {
  readonly event: 'succeed' | 'fail' | 'refuse' | 'settle'
  readonly reason: string | null
}

/** How a run ends, from its steps; undefined while one of them has not ended. */
export function judgeRun(
  run: Pick<RunRow, 'state' | 'reason'>,
  plan: Plan,
  steps: readonly StepGlance[],
): RunEnd | undefined {
  if (steps.some((step) => !isFinal(STEP_TRANSITIONS, step.state))) return undefined
  if (run.state === 'cancelling') return { event: 'settle', reason: run.reason }
  const failed = steps
    .filter((step) => step.state === 'failed')
    .sort((a, b) => (a.ended_at ?? 0) - (b.ended_at ?? 0) || a.position - b.position)
  const [first] = failed
  if (first === undefined) return { event: 'succeed', reason: null }
  if (isRefusal(plan, first)) return { event: 'refuse', reason: first.message ?? `${first.key} refused the run.` }
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more failed)` : ''
  return { event: 'fail', reason: `${first.key} failed: ${first.message ?? first.reason ?? 'no message'}${more}` }
}

/** Only a rule about the run itself refuses it: a gate that holds is a failure of what was built. */
function isRefusal(plan: Plan, step: StepGlance): boolean {
  const work = plan.steps.find((candidate) => candidate.key === step.key)?.work
  return step.reason === 'refused' && work?.kind === 'task' && work.task === 'check-datasets'
}

export async function endRun(kernel: Kernel, run: Pick<RunRow, 'id'>, end: RunEnd): Promise<void> {
  await kernel.write(async (writer) => {
    const moved = await tryTransition(writer, {
      table: 'runs',
      transitions: RUN_TRANSITIONS,
      event: end.event,
      where: { id: run.id },
      set: { reason: end.reason, ended_at: Date.now() },
    })
    if (moved !== undefined) await appendEvents(writer, kernel.options.database.kind, [runEnded(moved)])
  })
}

export async function startRun(kernel: Kernel, run: Pick<RunRow, 'id' | 'project' | 'created_at'>): Promise<void> {
  await kernel.write(async (writer) => {
    const moved = await tryTransition(writer, {
      table: 'runs',
      transitions: RUN_TRANSITIONS,
      event: 'start',
      where: { id: run.id },
      set: { started_at: Date.now(), reason: null },
    })
    if (moved === undefined) return
    await appendEvents(writer, kernel.options.database.kind, [
      { kind: 'run.started', project: run.project, subject: run.id, data: { queuedMs: Date.now() - run.created_at } },
    ])
  })
}
