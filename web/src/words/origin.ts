import type { Run } from '../../../src/api/runs.ts'

/** Who or what started a run. */
export function originOf({ alert, parentRun, event, person }: Run): string {
  if (alert !== null) return 'retraining after an alert'
  if (event === 'schedule' && parentRun === null) return 'started by the clock'
  return parentRun === null ? `${event} by ${person}` : `again after ${parentRun}, by ${person}`
}
