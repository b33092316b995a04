import type { RunRow } from '../db/tables.ts'
import type { DeliveryRules } from './plan-commit.ts'

/** The rules a run is judged and delivered under; undefined for runs that never had a plan. */
export function rulesOfRun(run: RunRow): DeliveryRules | undefined {
  const rules = JSON.parse(run.rules) as DeliveryRules
  return Array.isArray(rules.environments) ? rules : undefined
}
