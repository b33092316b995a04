import type { PlanStep } from '../core/plan.ts'
import { STEP_TRANSITIONS, type StepState } from '../core/run-state.ts'
import { isFinal } from '../core/transitions.ts'
import { nameOfKey, outcomesIn } from '../pipeline/asked-outcomes.ts'
import { parseExpression, parts, stepRuns } from '../pipeline/expression.ts'

export type StepDecision =
  | { readonly kind: 'wait'; readonly why: string }
  | { readonly kind: 'skip'; readonly why: string }
  | { readonly kind: 'ready' }

export interface RunFacts {
  readonly branch: string
  readonly event: string
  readonly tag: string | null
}

/**
 * What is to become of a waiting step, from the states of the others. It is skipped as soon as something
 * it needs did not succeed, unless its `if:` asks how they ended: then it waits for all of them, and for every step
 * whose outcome it names.
 */
export function decideStep(
  step: PlanStep,
  states: ReadonlyMap<string, StepState>,
  run: RunFacts,
  plan: ReadonlyMap<string, PlanStep> = new Map(),
): StepDecision {
  const blocker = findBlocker(step, states)
  if (blocker !== undefined && !asksForStatus(step.if)) return { kind: 'skip', why: blocker }
  const unprovided = findUnprovided(step, states)
  if (unprovided !== undefined) return { kind: 'skip', why: unprovided }
  const needs = openNeeds(step, states)
  const open = needs.length > 0 ? needs : openAsked(step, states)
  if (open.length > 0) return { kind: 'wait', why: `waits for ${list(open)}` }
  const runs = stepRuns(step.if, {
    branch: run.branch,
    event: run.event,
    ...(run.tag === null ? {} : { tag: run.tag }),
    ...(step.matrix === undefined ? {} : { matrix: step.matrix }),
    outcome: (name) => outcomeOf(name, states),
    needs: blocker === undefined ? 'succeeded' : hasFailedBehind(step, states, plan) ? 'failed' : 'skipped',
  })
  return runs ? { kind: 'ready' } : { kind: 'skip', why: `\`if: ${step.if ?? 'success()'}\` is not true here` }
}

/** Whether its `if` has `always()`: such a step survives a cancel that lets these run. */
export function runsAlways(step: Pick<PlanStep, 'if'>): boolean {
  const parsed = parseExpression(step.if ?? '')
  return parsed.ok && parts(parsed.tree).some((part) => part.kind === 'call' && part.name === 'always')
}

function asksForStatus(condition: string | undefined): boolean {
  const parsed = parseExpression(condition ?? '')
  return parsed.ok && parts(parsed.tree).some((part) => part.kind === 'call')
}

/** Of a step, or of a step's matrix: that failed when one member failed. */
function outcomeOf(name: string, states: ReadonlyMap<string, StepState>): StepState | undefined {
  const own = states.get(name)
  if (own !== undefined) return own
  const members = [...states].flatMap(([key, state]) => (key.startsWith(`${name} (`) ? [state] : []))
  return (['failed', 'cancelled', 'succeeded', 'skipped'] as const).find((state) => members.includes(state))
}

/** Why the step's needs do not all hold, in words. An optional need blocks only when it failed. */
function findBlocker(step: PlanStep, states: ReadonlyMap<string, StepState>): string | undefined {
  return findFailed(step, states) ?? findAbsent(step, states)
}

/** Without its build environment a step cannot run, whatever its `if` says. */
function findUnprovided(step: PlanStep, states: ReadonlyMap<string, StepState>): string | undefined {
  for (const key of step.uses) {
    const state = states.get(key)
    if (state === 'failed') return `${key} failed`
    if (state === 'skipped' || state === 'cancelled') return `${key} was ${state}`
  }
  return undefined
}

/** Whether something that the step needs failed, or was skipped because of something that failed. */
function hasFailedBehind(
  step: PlanStep,
  states: ReadonlyMap<string, StepState>,
  plan: ReadonlyMap<string, PlanStep>,
): boolean {
  const seen = new Set([step.key])
  const open = [step]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (findFailed(next, states) !== undefined) return true
    for (const need of next.needs) {
      const skipped = states.get(need.step) === 'skipped' && !need.optional ? plan.get(need.step) : undefined
      if (skipped === undefined || seen.has(skipped.key)) continue
      seen.add(skipped.key)
      open.push(skipped)
    }
  }
  return false
}

/** Looked for first: what was skipped was skipped because of it. */
function findFailed(step: PlanStep, states: ReadonlyMap<string, StepState>): string | undefined {
  for (const need of step.needs) {
    const state = states.get(need.step)
    if (state === 'failed') return `${need.step} failed`
    if (state === 'cancelled') return `${need.step} was cancelled`
  }
  return undefined
}

function findAbsent(step: PlanStep, states: ReadonlyMap<string, StepState>): string | undefined {
  for (const need of step.needs) {
    const state = states.get(need.step)
    if (need.optional) continue
    if (state === undefined) return `it needs ${need.step}, which is not part of this run`
    if (state === 'skipped') return `${need.step} was skipped`
  }
  return undefined
}

function openNeeds(step: PlanStep, states: ReadonlyMap<string, StepState>): string[] {
  const names = step.needs.map((need) => need.step)
  return names.filter((name) => {
    const state = states.get(name)
    return state !== undefined && !isFinal(STEP_TRANSITIONS, state)
  })
}

/** Behind a need that was skipped, or cancelled while it waited, the steps whose outcomes are asked for may still run. */
function openAsked(step: PlanStep, states: ReadonlyMap<string, StepState>): string[] {
  const names = outcomesIn(step.if)
  if (names.length === 0) return []
  return [...states].flatMap(([key, state]) =>
    names.includes(nameOfKey(key)) && !isFinal(STEP_TRANSITIONS, state) ? [key] : [],
  )
}

/** `a`, `a and b`, `a, b, c and 4 more`. */
function list(names: readonly string[]): string {
  if (names.length > 4) return `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
