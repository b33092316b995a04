import { LATENCY_BUCKETS_MS, type ArmCounters } from '../../core/route-table.ts'
import type { GuardRail } from '../../pipeline/pipeline.ts'
import { guardRate } from '../../statistics/beta-binomial-sequence.ts'
import { differenceSequence } from '../../statistics/confidence-sequence.ts'
import { eventSplit } from '../../statistics/event-split.ts'
import { assertNever } from '../../lib/assert-never.ts'

/** What a rail is judged on: counts since the phase began. */
export interface RailEvidence {
  /** The challenger's share of traffic in this phase. */
  readonly weight: number
  readonly challenger: ArmCounters | undefined
  readonly champion: ArmCounters | undefined
  /** Labelled answers of each arm so far, right and all; absent when there are none. */
  readonly labelled?: { readonly challenger: LabelledCounts; readonly champion: LabelledCounts } | undefined
}

export interface LabelledCounts {
  readonly rows: number
  readonly right: number
}

export interface RailVerdict {
  readonly rail: string
  readonly outcome: 'holds' | 'broken'
  /** One sentence with the numbers. */
  readonly summary: string
}

/** Chance that a rollout of a version within its rails is ever rolled back, over all rails and looks. */
export const FALSE_ROLLBACK = 0.01

/** The challenger may be bad a quarter more often than the champion before its *ratio* counts as evidence. */
const TOLERATED_RATIO = 1.25

/** Fewer labels per arm than this say nothing. */
const FEWEST_LABELS = 200

/**
 * Judges every rail on what is known now. May be asked as often as one likes: the tests are valid at every
 * look, and the error rate is shared between the rails' tests and the rollout's phases (Bonferroni).
 */
export function judgeRails(rails: readonly GuardRail[], evidence: RailEvidence, phases: number): RailVerdict[] {
  const tests = rails.reduce((sum, rail) => sum + testsOf(rail), 0)
  const alpha = FALSE_ROLLBACK / Math.max(1, tests * phases)
  return rails.map((rail) => judgeRail(rail, evidence, alpha))
}

/** A rail with two limits is two chances to be wrong. */
function testsOf(rail: GuardRail): number {
  switch (rail.kind) {
    case 'errors':
      return rail.max !== undefined && rail.maxIncrease !== undefined ? 2 : 1
    case 'labels':
      return rail.min !== undefined && rail.maxDecrease !== undefined ? 2 : 1
    case 'latency':
      return 1
    default:
      return assertNever(rail)
  }
}

function judgeRail(rail: GuardRail, evidence: RailEvidence, alpha: number): RailVerdict {
  switch (rail.kind) {
    case 'errors':
      return judgeErrors(rail, evidence, alpha)
    case 'latency':
      return judgeLatency(rail, evidence, alpha)
    case 'labels':
      return judgeLabels(rail, evidence, alpha)
    default:
      return assertNever(rail)
  }
}

/**
 * `max`: an anytime-valid lower bound of the challenger's rate is above it. `max-increase`: the event-split
 * test says that the challenger fails more often than the champion, and the difference is larger than that.
 * With all traffic on one side there is nothing to compare with, and only `max` speaks.
 */
function judgeErrors(
  rail: GuardRail & { kind: 'errors' },
  { challenger, champion, weight }: RailEvidence,
  alpha: number,
): RailVerdict {
  const bad = challenger?.errors ?? 0
  const all = challenger?.requests ?? 0
  const told = `${bad} of ${all} requests failed${champion === undefined ? '' : `, the champion's ${champion.errors} of ${champion.requests}`}`
  if (rail.max !== undefined && guardRate({ bad, total: all, limit: rail.max, alpha }).decision === 'roll-back') {
    return broken(rail, `${told}; at most ${percent(rail.max)} may`)
  }
  if (rail.maxIncrease !== undefined && champion !== undefined && weight < 1) {
    const split = eventSplit({
      levels: [{ weight, candidateBad: bad, championBad: champion.errors }],
      toleratedRatio: TOLERATED_RATIO,
      alpha,
    })
    const increase = rateOf(bad, all) - rateOf(champion.errors, champion.requests)
    if (split.decision === 'roll-back' && increase > rail.maxIncrease) {
      return broken(
        rail,
        `${told}: ${percent(increase)} more, ${percent(rail.maxIncrease)} allowed (evidence ${Math.round(Math.min(split.evidence, 1e6))} to 1)`,
      )
    }
  }
  return holds(rail, told)
}

/** `p99 ≤ max` means that at most 1 % of requests are slower than max; that share gets the anytime-valid test. */
function judgeLatency(rail: GuardRail & { kind: 'latency' }, { challenger }: RailEvidence, alpha: number): RailVerdict {
  const all = challenger?.requests ?? 0
  const slow = slowerThan(challenger?.latency ?? [], rail.maxMs)
  const told = `${slow} of ${all} requests took longer than ${rail.maxMs} ms`
  const allowed = 1 - rail.percentile / 100
  const isBroken = guardRate({ bad: slow, total: all, limit: allowed, alpha }).decision === 'roll-back'
  return isBroken ? broken(rail, `${told}; p${rail.percentile} allows ${percent(allowed)}`) : holds(rail, told)
}

/** Requests in buckets that lie above the limit altogether: a request in the limit's own bucket is not counted against it. */
function slowerThan(latency: readonly number[], limitMs: number): number {
  let slow = 0
  for (const [index, count] of latency.entries()) {
    const lower = index === 0 ? 0 : (LATENCY_BUCKETS_MS[index - 1] ?? 0)
    if (lower >= limitMs) slow += count
  }
  return slow
}

function judgeLabels(rail: GuardRail & { kind: 'labels' }, { labelled }: RailEvidence, alpha: number): RailVerdict {
  if (labelled === undefined || labelled.challenger.rows < FEWEST_LABELS) return holds(rail, 'too few labels yet')
  const { challenger, champion } = labelled
  const rate = rateOf(challenger.right, challenger.rows)
  const told = `${rail.metric} ${rate.toFixed(3)} on ${challenger.rows} labels`
  if (
    rail.min !== undefined &&
    guardRate({ bad: challenger.rows - challenger.right, total: challenger.rows, limit: 1 - rail.min, alpha })
      .decision === 'roll-back'
  ) {
    return broken(rail, `${told}; at least ${rail.min} is asked for`)
  }
  if (rail.maxDecrease !== undefined && champion.rows >= FEWEST_LABELS) {
    const difference = differenceSequence(summaryOf(challenger), summaryOf(champion), { alpha })
    if (difference.atMost < -rail.maxDecrease)
      return broken(
        rail,
        `${told}, ${(-difference.estimate).toFixed(3)} below the champion; ${rail.maxDecrease} allowed`,
      )
  }
  return holds(rail, told)
}

function summaryOf({ rows, right }: LabelledCounts): { count: number; mean: number; variance: number } {
  const mean = rateOf(right, rows)
  return { count: rows, mean, variance: mean * (1 - mean) }
}

function rateOf(part: number, all: number): number {
  return all === 0 ? 0 : part / all
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}

function broken(rail: GuardRail, summary: string): RailVerdict {
  return { rail: rail.name, outcome: 'broken', summary }
}

function holds(rail: GuardRail, summary: string): RailVerdict {
  return { rail: rail.name, outcome: 'holds', summary }
}
