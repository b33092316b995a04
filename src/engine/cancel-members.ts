import type { PlanStep } from '../core/plan.ts'
import { ATTEMPT_TRANSITIONS } from '../core/run-state.ts'
import { tryTransition } from '../db/transition.ts'
import { listActiveAttemptsOf } from './attempts.sql.ts'
import type { Kernel } from './kernel.ts'
import { culpritOf } from './matrix-rules.ts'
import type { StepGlance } from './steps.sql.ts'

/**
 * Asks the running members of matrices that fail fast to end; their steps are cancelled when the last process
 * of each is dead. What has been asked already is left alone, so every pass may call it.
 */
export async function cancelMembers(
  kernel: Kernel,
  run: { readonly id: string },
  plan: ReadonlyMap<string, PlanStep>,
  steps: readonly StepGlance[],
  broken: ReadonlyMap<string, string>,
): Promise<void> {
  if (broken.size === 0) return
  const whys = new Map<string, string>()
  for (const { key, state } of steps) {
    const step = state === 'running' ? plan.get(key) : undefined
    const why = step === undefined ? undefined : culpritOf(step, broken)
    if (why !== undefined) whys.set(key, why)
  }
  if (whys.size === 0) return
  const attempts = await listActiveAttemptsOf(kernel.options.database.read, run.id)
  const open = attempts.filter(({ step, state }) => whys.has(step) && state !== 'cancelling')
  if (open.length === 0) return
  await kernel.write(async (writer) => {
    for (const { id, step } of open) {
      await tryTransition(writer, {
        table: 'attempts',
        transitions: ATTEMPT_TRANSITIONS,
        event: 'cancel',
        where: { id },
        set: { reason: 'cancelled', message: whys.get(step) ?? null },
      })
    }
  })
}
