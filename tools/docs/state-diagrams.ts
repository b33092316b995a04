import { ACCEPTANCE_TRANSITIONS, ALERT_TRANSITIONS, DEPLOYMENT_TRANSITIONS } from '../../src/core/deployment-state.ts'
import { ATTEMPT_TRANSITIONS, RUN_TRANSITIONS, STEP_TRANSITIONS } from '../../src/core/run-state.ts'
import type { Transitions } from '../../src/core/transitions.ts'

/** Every state table there is, by what it is of. */
export const STATE_TABLES: Readonly<Record<string, Transitions<string>>> = {
  run: RUN_TRANSITIONS,
  step: STEP_TRANSITIONS,
  attempt: ATTEMPT_TRANSITIONS,
  deployment: DEPLOYMENT_TRANSITIONS,
  'acceptance session': ACCEPTANCE_TRANSITIONS,
  alert: ALERT_TRANSITIONS,
}

/** A mermaid diagram; the first state of a table is where things begin. */
export function stateDiagram(table: Transitions<string>): string {
  const [first = ''] = Object.keys(table)
  const moves = Object.entries(table).flatMap(([from, events]) =>
    Object.entries(events).map(([event, to]) => `  ${id(from)} --> ${id(to ?? '')}: ${event}`),
  )
  const names = Object.keys(table)
    .filter((state) => id(state) !== state)
    .map((state) => `  state "${state}" as ${id(state)}`)
  const alone = Object.keys(table).filter((state) => state !== first && !isReached(table, state))
  const starts = [first, ...alone].map((state) => `  [*] --> ${id(state)}`)
  return ['```mermaid', 'stateDiagram-v2', ...names, ...starts, ...moves, '```'].join('\n')
}

/** `invalid` is where a run with a broken file begins and ends. */
function isReached(table: Transitions<string>, state: string): boolean {
  return Object.values(table).some((events) => Object.values(events).includes(state))
}

/** A dash is an operator there. */
function id(state: string): string {
  return state.replaceAll('-', '_')
}
