import type { PlanStep } from '../core/plan.ts'

/**
 * Whose outputs are in a step's workspace, as far as they have any. A step with `deps` gets them only of steps that it
 * needs for their data, so that a `**` means the commit. A command without gets what was made before it, by whatever
 * stands between; a task of ours is told by its needs.
 */
export function stepsSeen(steps: ReadonlyMap<string, PlanStep>, step: PlanStep): ReadonlySet<string> {
  const { needs, deps, work } = step
  const seen = new Set(needs.filter((need) => need.data || deps === undefined).map((need) => need.step))
  if (deps !== undefined || work.kind === 'task') return seen
  // What is added on the way is visited as well.
  for (const key of seen) for (const need of steps.get(key)?.needs ?? []) seen.add(need.step)
  return seen
}
