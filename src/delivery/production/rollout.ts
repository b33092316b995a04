import type { DeploymentRow } from '../../db/tables.ts'
import type { EnvironmentSpec, RolloutPhase } from '../../pipeline/pipeline.ts'
import type { RailVerdict } from './guard-rails.ts'

export type RolloutDecision =
  | { readonly kind: 'wait'; readonly why: string }
  | { readonly kind: 'next-phase'; readonly phase: number; readonly weight: number; readonly why: string }
  | { readonly kind: 'finish'; readonly why: string }
  | { readonly kind: 'hold'; readonly why: string }
  | { readonly kind: 'roll-back'; readonly why: string }

export interface RolloutView {
  readonly deployment: Pick<DeploymentRow, 'phase' | 'phase_started_at'>
  readonly rules: EnvironmentSpec
  /** Without one there is nobody to share traffic with: all of it moves at once. */
  readonly hasChampion: boolean
  readonly verdicts: readonly RailVerdict[]
  /** Answered by both arms in this phase. */
  readonly requests: number
  /** The challenger's host has failed for good. */
  readonly hostFailure: string | undefined
  readonly windowOpen: boolean
  readonly now: number
}

/** The phases traffic really goes through: the file's, or all at once where nothing shares the traffic. */
export function phasesOf(rules: EnvironmentSpec, hasChampion: boolean): readonly RolloutPhase[] {
  return hasChampion ? rules.rollout : [{ weight: 1, forMs: 0 }]
}

/**
 * What to do with a rollout now. Trouble comes first: a failed host or a broken rail rolls back whatever
 * else is true. A closed window or a phase past `at-most` holds the weight. Too few requests wait.
 */
export function decideRollout(view: RolloutView): RolloutDecision {
  const trouble = troubleOf(view)
  if (trouble !== undefined) return { kind: 'roll-back', why: trouble }
  const phases = phasesOf(view.rules, view.hasChampion)
  const phase = phases[view.deployment.phase]
  if (phase === undefined) return firstPhase(phases)
  const lastedMs = view.now - (view.deployment.phase_started_at ?? view.now)
  const unmet = unmetOf(phase, lastedMs, view.requests)
  if (unmet === undefined) return nextPhase(view, phases)
  if (phase.atMostMs === undefined || lastedMs <= phase.atMostMs) return { kind: 'wait', why: unmet }
  const why = `${view.requests} of ${phase.minRequests ?? 0} requests within at-most: a person decides`
  return { kind: 'hold', why }
}

/** The same words for as long as the same thing is missing: a reason that counts would be written at every look. */
function unmetOf(phase: RolloutPhase, lastedMs: number, requests: number): string | undefined {
  if (lastedMs < phase.forMs) return `the phase lasts ${phase.forMs / 1_000} s`
  if (phase.minRequests !== undefined && requests < phase.minRequests)
    return `fewer than ${phase.minRequests} requests so far`
  return undefined
}

/** The one sentence for which traffic must go back at once, if there is one. */
export function troubleOf(view: Pick<RolloutView, 'verdicts' | 'hostFailure'>): string | undefined {
  if (view.hostFailure !== undefined) return `its model host failed: ${view.hostFailure}`
  const broken = view.verdicts.find((verdict) => verdict.outcome === 'broken')
  return broken === undefined ? undefined : `guard rail ${broken.rail}: ${broken.summary}`
}

function firstPhase(phases: readonly RolloutPhase[]): RolloutDecision {
  const weight = phases[0]?.weight ?? 1
  return { kind: 'next-phase', phase: 0, weight, why: 'its host is warm' }
}

function nextPhase(view: RolloutView, phases: readonly RolloutPhase[]): RolloutDecision {
  const rails = view.verdicts.map((verdict) => verdict.summary).join('; ')
  const why = rails === '' ? 'the phase is over' : `the rails held: ${rails}`
  const index = view.deployment.phase + 1
  const next = phases[index]
  if (next === undefined) return { kind: 'finish', why }
  if (!view.windowOpen) return { kind: 'wait', why: 'the window is closed; the weight is kept' }
  return { kind: 'next-phase', phase: index, weight: next.weight, why }
}
