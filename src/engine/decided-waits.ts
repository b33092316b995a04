import type { PlanStep } from '../core/plan.ts'
import { askedOutcomes } from '../pipeline/asked-outcomes.ts'

/**
 * Steps that were found to wait for others: they are decided again when something has ended that they need, or whose outcome
 * their `if` asks for, and not before.
 * A chain of hundreds would otherwise be decided as a whole with each of its links.
 */
export interface DecidedWaits {
  has(runId: string, key: string): boolean
  add(runId: string, key: string, plan: ReadonlyMap<string, PlanStep>): void
  /** Whoever waits for one of these is to be decided again. */
  ended(runId: string, keys: Iterable<string>): void
  /** All of the run are to be decided again. */
  forget(runId: string): void
  keep(runs: ReadonlySet<string>): void
}

interface WaitsOfRun {
  readonly waiting: Set<string>
  /** By step: who needs it, or asks for its outcome. */
  readonly dependants: ReadonlyMap<string, readonly string[]>
}

export function createDecidedWaits(): DecidedWaits {
  const runs = new Map<string, WaitsOfRun>()
  return {
    has: (runId, key) => runs.get(runId)?.waiting.has(key) === true,
    add(runId, key, plan) {
      const known = runs.get(runId) ?? { waiting: new Set(), dependants: dependantsIn(plan) }
      runs.set(runId, known)
      known.waiting.add(key)
    },
    ended(runId, keys) {
      const known = runs.get(runId)
      if (known === undefined) return
      for (const key of keys) for (const dependant of known.dependants.get(key) ?? []) known.waiting.delete(dependant)
    },
    forget: (runId) => void runs.delete(runId),
    keep(kept) {
      for (const runId of runs.keys()) if (!kept.has(runId)) runs.delete(runId)
    },
  }
}

function dependantsIn(plan: ReadonlyMap<string, PlanStep>): Map<string, string[]> {
  const dependants = new Map<string, string[]>()
  const asked = askedOutcomes(plan.values())
  for (const { key, needs, uses } of plan.values()) {
    for (const need of new Set([...needs.map(({ step }) => step), ...uses, ...(asked.get(key) ?? [])])) {
      const known = dependants.get(need)
      if (known === undefined) dependants.set(need, [key])
      else known.push(key)
    }
  }
  return dependants
}
