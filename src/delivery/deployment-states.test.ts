import { array, assert, constantFrom, property } from 'fast-check'
import { expect, test } from 'vitest'
import { ACCEPTANCE_TRANSITIONS, DEPLOYMENT_TRANSITIONS, type DeploymentState } from '../core/deployment-state.ts'
import { finalStates, isFinal, sourcesOf, type Transitions } from '../core/transitions.ts'
import { ACTIVE, WAITING } from './deployments.sql.ts'

const TABLE: Transitions<DeploymentState> = DEPLOYMENT_TRANSITIONS
const STATES = Object.keys(TABLE) as DeploymentState[]
const EVENTS = [...new Set(STATES.flatMap((state) => Object.keys(TABLE[state])))]
const ENDED = ['rolled-back', 'replaced', 'rejected', 'expired', 'superseded', 'failed']

/** As the guarded statement does it: an event moves only what is in one of its source states. */
function apply(state: DeploymentState, event: string): DeploymentState {
  return sourcesOf(TABLE, event).get(state) ?? state
}

test('whatever happens in whatever order, a finished deployment never moves', () => {
  const histories = array(constantFrom(...EVENTS), { maxLength: 60 })

  assert(
    property(histories, (events) => {
      let state: DeploymentState = 'queued'
      let end: DeploymentState | undefined
      for (const event of events) {
        state = apply(state, event)
        if (end !== undefined && state !== end) return false
        if (isFinal(TABLE, state)) end = state
      }
      return true
    }),
    { numRuns: 500 },
  )
})

test('those are the ends, and every other state has a way to one of them', () => {
  expect([...finalStates(TABLE)].sort()).toEqual([...ENDED].sort())
  for (const state of STATES) {
    if (isFinal(TABLE, state)) continue
    expect([...reachable(state)].some((one) => ENDED.includes(one))).toBe(true)
  }
})

test('nothing becomes live without having rolled out', () => {
  const before = [...sourcesOf(TABLE, 'finish').keys(), ...sourcesOf(TABLE, 'accept').keys()]

  expect(STATES.filter((state) => Object.values(TABLE[state]).includes('live')).sort()).toEqual(before.sort())
  expect(before.sort()).toEqual(['awaiting-acceptance', 'rolling-out'])
})

test('everything that has traffic can be rolled back, and everything that waits can be superseded', () => {
  const withTraffic: DeploymentState[] = ['rolling-out', 'held', 'awaiting-acceptance', 'live']

  for (const state of withTraffic) expect(TABLE[state]).toHaveProperty('roll-back', 'rolling-back')
  for (const state of WAITING) expect(TABLE[state]).toHaveProperty('supersede', 'superseded')
})

test('what holds its environment is neither waiting in line, nor live, nor over', () => {
  for (const state of ACTIVE) expect(['queued', 'awaiting-approval', 'live', ...ENDED]).not.toContain(state)
})

test('a session that has ended stays so', () => {
  expect(finalStates(ACCEPTANCE_TRANSITIONS).sort()).toEqual(['accepted', 'rejected', 'void'])
})

function reachable(from: DeploymentState): Set<DeploymentState> {
  const seen = new Set<DeploymentState>([from])
  for (const state of seen) for (const next of Object.values(TABLE[state])) if (next !== undefined) seen.add(next)
  return seen
}
