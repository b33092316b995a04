import type { FairnessSpec } from '../../pipeline/checks.ts'
import type { Inference } from '../../statistics/inference.ts'
import type { GateVerdict } from '../decide-gate.ts'
import { placesOf, rowsOf } from '../judge-answers.ts'
import { inferMetric } from '../infer-metric.ts'
import { pickRows } from '../judged-rows.ts'
import { findMetric } from '../metrics.ts'
import type { CheckPlace } from './check-place.ts'

interface Group {
  readonly value: string
  readonly rows: number
  readonly metric: number
  readonly inference: Inference
}

interface Pair {
  readonly between: readonly [string, string]
  readonly difference: number
  /** With the confidence, of all pairs together, the difference is at least and at most this. */
  readonly atLeast: number
  readonly atMost: number
}

/**
 * Whether the metric is the same for everybody: every two values of the column are compared, each by rows of
 * its own. Passes when, with the gate's confidence, no difference is larger than the bound; fails when, with
 * the same confidence, one is; else it is inconclusive. The confidence is split over the pairs (Bonferroni),
 * so that a column of many values is not failed, nor passed, by chance.
 */
export function decideFairness(gate: FairnessSpec, { result, outcomes }: CheckPlace): GateVerdict {
  const slice = outcomes?.slices.find(({ column }) => column === gate.between)
  const metric = outcomes === undefined ? undefined : findMetric(outcomes.task, gate.metric, result?.own)
  if (result === undefined || outcomes === undefined || slice === undefined || metric === undefined) {
    return doubt(`${gate.metric} was not measured between the values of ${gate.between}: there is no evaluation of it`)
  }
  const all = rowsOf(outcomes, outcomes.candidate)
  const places = placesOf(slice.of, slice.values.length)
  const sizes = slice.values.map((value, place) => ({ value, places: places[place]! }))
  const few = sizes.filter((group) => group.places.length < gate.minRows)
  const groups = sizes
    .filter((group) => group.places.length >= gate.minRows)
    .map((group): Group => {
      const inference = inferMetric(metric, pickRows(all, group.places))
      return { value: group.value, rows: group.places.length, metric: inference.estimate, inference }
    })
  const skipped = few.map((group) => ({ value: group.value, rows: group.places.length }))
  const undefinedIn = groups.find(
    ({ metric: value, inference }) => Number.isNaN(value) || Number.isNaN(inference.atLeast(0.95)),
  )
  if (undefinedIn !== undefined) {
    return doubt(
      `${gate.metric} cannot be computed for ${gate.between} = ${undefinedIn.value} (it needs scores, or rows of more than one class)`,
    )
  }
  if (groups.length < 2) {
    return doubt(`fewer than two values of ${gate.between} have ${gate.minRows} rows to be compared by`, { skipped })
  }
  return judge(gate, groups, skipped)
}

function judge(gate: FairnessSpec, groups: readonly Group[], skipped: readonly object[]): GateVerdict {
  const count = (groups.length * (groups.length - 1)) / 2
  const confidence = 1 - (1 - gate.confidence) / count
  const pairs = groups.flatMap((one, i) => groups.slice(i + 1).map((other) => compare(one, other, confidence)))
  pairs.sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference))
  const isLarger = (pair: Pair): boolean => pair.atLeast > gate.maxDifference || pair.atMost < -gate.maxDifference
  const isSmaller = (pair: Pair): boolean => pair.atLeast >= -gate.maxDifference && pair.atMost <= gate.maxDifference
  const larger = pairs.find(isLarger)
  const open = pairs.find((pair) => !isSmaller(pair))
  const told = larger ?? open ?? pairs[0]!
  const outcome = larger !== undefined ? 'fail' : open !== undefined ? 'inconclusive' : 'pass'
  const groupsTold = groups.map(({ value, rows, metric }) => ({ value, rows, metric }))
  const tooFew = outcome === 'inconclusive' ? '; the rows are too few to tell' : ''
  return {
    outcome,
    summary: `${describe(gate, told, groups)}, at most ${gate.maxDifference} wanted${tooFew}`,
    evidence: {
      metric: gate.metric,
      between: gate.between,
      maxDifference: gate.maxDifference,
      confidence: gate.confidence,
      groups: groupsTold,
      pairs: pairs.slice(0, 100),
      skipped,
    },
  }
}

function describe({ metric, between, confidence }: FairnessSpec, pair: Pair, groups: readonly Group[]): string {
  const of = (value: string): string => show(groups.find((group) => group.value === value)?.metric ?? Number.NaN)
  const [one, other] = pair.between
  const range = `with ${Number((confidence * 100).toPrecision(4))} % confidence at least ${show(pair.atLeast)}, and at most ${show(pair.atMost)}`
  return `${metric} ${of(one)} for ${between} = ${one} and ${of(other)} for ${other}: a difference of ${show(pair.difference)} (${range})`
}

/** Both groups' own ends, joined as for independent samples (Zou and Donner's MOVER). */
function compare(one: Group, other: Group, confidence: number): Pair {
  const difference = one.metric - other.metric
  const ends = (group: Group) => ({
    below: group.metric - group.inference.atLeast(confidence),
    above: group.inference.atMost(confidence) - group.metric,
  })
  const [a, b] = [ends(one), ends(other)]
  return {
    between: [one.value, other.value],
    difference,
    atLeast: difference - Math.hypot(a.below, b.above),
    atMost: difference + Math.hypot(a.above, b.below),
  }
}

function show(value: number): string {
  return Number.isNaN(value) ? 'unknown' : value.toFixed(3)
}

function doubt(summary: string, evidence: Readonly<Record<string, unknown>> = {}): GateVerdict {
  return { outcome: 'inconclusive', summary, evidence }
}
