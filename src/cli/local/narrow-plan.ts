import { AppError } from '../../core/errors.ts'
import type { Need, Plan, PlanStep } from '../../core/plan.ts'
import { stepsSeen } from '../../engine/steps-seen.ts'

/**
 * The plan with only the named steps and what these read: the steps that make their inputs, their build
 * environments, and tasks of ours that they wait for. That a stage waits for the one before it is dropped.
 * A name stands for all members of a matrix.
 */
export function narrowPlan(plan: Plan, names: readonly string[]): Plan {
  const byKey = new Map(plan.steps.map((step) => [step.key, step]))
  const kept = new Map<string, readonly Need[]>()
  const open = names.flatMap((name) => keysOf(plan, name))
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    const step = byKey.get(key)
    if (step === undefined || kept.has(key)) continue
    const needs = step.needs.filter((need) => isRead(step, need, byKey))
    kept.set(key, needs)
    open.push(...needs.map((need) => need.step), ...step.uses)
  }
  const steps = plan.steps.flatMap((step) => {
    const needs = kept.get(step.key)
    return needs === undefined ? [] : [{ ...step, needs }]
  })
  return { ...plan, steps }
}

function isRead(step: PlanStep, need: Need, byKey: ReadonlyMap<string, PlanStep>): boolean {
  const from = byKey.get(need.step)
  if (from === undefined) return false
  if (need.data || step.work.kind === 'task' || step.uses.includes(need.step)) return true
  if (from.work.kind === 'task') return step.endpoint === 'candidate' && from.work.task === 'make-bundle'
  // A step without deps finds all that was made before it in its workspace.
  return step.deps === undefined && [from, ...before(byKey, from)].some(({ outs }) => outs.length > 0)
}

function before(byKey: ReadonlyMap<string, PlanStep>, step: PlanStep): PlanStep[] {
  const { deps: _, ...without } = step
  return [...stepsSeen(byKey, without)].flatMap((key) => byKey.get(key) ?? [])
}

function keysOf({ steps }: Plan, name: string): string[] {
  const keys = steps.map(({ key }) => key).filter((key) => key === name || key.startsWith(`${name} (`))
  if (keys.length > 0) return keys
  throw new AppError(
    'INVALID_INPUT',
    `There is no step "${name}". There are: ${steps.map(({ key }) => key).join(', ')}.`,
  )
}
