import type { Need, Plan, PlanStep } from '../core/plan.ts'
import type { StepState } from '../core/run-state.ts'
import type { RunRow } from '../db/tables.ts'
import { decideStep } from './decide-step.ts'
import type { Kernel } from './kernel.ts'
import { sayError } from './jobs.ts'
import { lookUpStep } from './look-up-step.ts'
import { prepareStep, whyUncached } from './prepare-step.ts'
import type { StepOutputs } from './step-outputs.ts'

/** What would become of a step if the run were made now and every step that runs succeeded. */
export interface ForeseenStep {
  readonly step: PlanStep
  /** `open`: it reads what another step has yet to write, so the cache can only be asked then. */
  readonly fate: 'cached' | 'runs' | 'open' | 'skipped' | 'fails'
  readonly why: string
}

/**
 * Asks the step cache for every step whose inputs are known, in the order of needs, exactly as the scheduler
 * would: a step behind one that runs is `open`, unless it is never cached. Nothing is changed.
 */
export async function foreseePlan(kernel: Kernel, run: RunRow, plan: Plan): Promise<ForeseenStep[]> {
  const byKey = new Map(plan.steps.map((step) => [step.key, step]))
  const states = new Map<string, StepState>(plan.steps.map(({ key }) => [key, 'waiting']))
  const outputs = new Map<string, StepOutputs>()
  const found = new Map<string, ForeseenStep>()
  for (let before = -1; found.size > before;) {
    before = found.size
    for (const step of plan.steps) {
      if (found.has(step.key)) continue
      const decision = decideStep(step, states, run, byKey)
      if (decision.kind === 'wait') continue
      const foreseen =
        decision.kind === 'skip'
          ? { step, fate: 'skipped' as const, why: decision.why }
          : await foresee(kernel, { run, plan, step, outputs })
      found.set(step.key, foreseen)
      states.set(step.key, STATES[foreseen.fate])
    }
  }
  return plan.steps.flatMap((step) => found.get(step.key) ?? [])
}

const STATES = {
  cached: 'succeeded',
  runs: 'succeeded',
  open: 'succeeded',
  skipped: 'skipped',
  fails: 'failed',
} as const

interface Foreseeing {
  readonly run: RunRow
  readonly plan: Plan
  readonly step: PlanStep
  /** Of the steps that the cache has. */
  readonly outputs: Map<string, StepOutputs>
}

async function foresee(kernel: Kernel, context: Foreseeing): Promise<ForeseenStep> {
  const { step, outputs } = context
  const uncached = whyUncached(step)
  if (uncached !== null) return { step, fate: 'runs', why: uncached }
  const open = step.needs.filter((need) => isRead(step, need) && !outputs.has(need.step))
  if (open.length > 0) {
    const names = open.map((need) => need.step)
    return { step, fate: 'open', why: `known once ${names.join(', ')} ${names.length === 1 ? 'has' : 'have'} run` }
  }
  try {
    const answer = await lookUpStep(kernel, await prepareStep(kernel, context))
    if (answer.kind !== 'hit') return { step, fate: 'runs', why: answer.why ?? 'not cached' }
    outputs.set(step.key, answer.outputs)
    return { step, fate: 'cached', why: answer.why }
  } catch (error) {
    return { step, fate: 'fails', why: sayError(error) }
  }
}

/** What decides a step's key: data it reads, and what it runs in. Tasks of ours look at whatever was before them. */
function isRead(step: PlanStep, need: Need): boolean {
  return need.data || step.uses.includes(need.step) || (step.work.kind === 'task' && !need.optional)
}
