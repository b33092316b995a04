import { inferFromSums } from '../statistics/additive-bootstrap.ts'
import { sumParts } from '../statistics/additive.ts'
import { inferAreaDifference } from '../statistics/infer-area.ts'
import { intervalOf, negated, type Inference } from '../statistics/inference.ts'
import { mcnemar } from '../statistics/mcnemar.ts'
import { inferPairedMean } from '../statistics/paired-mean.ts'
import { inferPairedShares, type PairedCounts } from '../statistics/paired-proportions.ts'
import { inferFromWeights } from '../statistics/weighted-bootstrap.ts'
import { countParts, countsReader, oneRow, widthOfCounts } from './class-counts.ts'
import { areasOf, estimateMetric, inferNothing, SEED } from './infer-metric.ts'
import type { ClassRows, JudgedRows } from './judged-rows.ts'
import type { CellComputation, Computation } from './metric-computation.ts'
import { measurable, type Metric } from './metrics.ts'
import { reasonAgainst, whyUndefined } from './why-undefined.ts'

/** How much better the candidate is than the champion on the same rows; negative: worse. In the metric's unit. */
export interface Comparison {
  readonly candidate: number
  readonly champion: number
  /** Positive is good, also of metrics of which less is better. */
  readonly advantage: Inference
  /** Rows that only one model answered right, where that decides. */
  readonly pairs?: PairedCounts
}

/**
 * Paired: both models answer the same rows, so rows that both find hard cancel out. Shares of rows are compared
 * by their discordant rows (Tango's score interval), areas under the ROC curve by DeLong's test, means and
 * everything else by a bootstrap that draws rows (units) with both models' answers to them. A text says why
 * there is no comparison.
 */
export function compareModels(metric: Metric, candidate: JudgedRows, champion: JudgedRows): Comparison | string {
  const against = reasonAgainst(metric, candidate) ?? withWho('the champion: ', reasonAgainst(metric, champion))
  if (against !== undefined) return against
  const values = { candidate: estimateMetric(metric, candidate), champion: estimateMetric(metric, champion) }
  if (!Number.isFinite(values.candidate)) return whyUndefined(metric, candidate)
  if (!Number.isFinite(values.champion)) return `the champion: ${whyUndefined(metric, champion)}`
  const { difference, pairs } = inferDifference(metric, candidate, champion)
  if (Number.isNaN(difference.atLeast(0.95))) return whyNoEnds(difference, candidate)
  const advantage = metric.better === 'higher' ? difference : negated(difference)
  return { ...values, advantage, ...(pairs === undefined ? {} : { pairs }) }
}

function whyNoEnds({ units }: Inference, { sampling }: JudgedRows): string {
  if (units > 1) return 'it does not exist in too many resamples of the rows'
  return sampling.units === undefined ? 'one row is too few' : 'all rows belong together: one unit is too few'
}

function withWho(who: string, why: string | undefined): string | undefined {
  return why === undefined ? undefined : `${who}${why}`
}

interface Difference {
  readonly difference: Inference
  readonly pairs?: PairedCounts
}

function inferDifference(metric: Metric, candidate: JudgedRows, champion: JudgedRows): Difference {
  const computation = measurable(metric, candidate)?.computation as Computation<JudgedRows> | undefined
  const { sampling } = candidate
  switch (computation?.kind) {
    case undefined:
      return { difference: inferNothing(candidate) }
    case 'mean': {
      const perRow = { candidate: computation.perRow(candidate), champion: computation.perRow(champion) }
      return { difference: inferPairedMean({ ...perRow, sampling, seed: SEED }) }
    }
    case 'sums': {
      const own = computation.parts(candidate)
      const width = own.reduce((sum, part) => sum + part.width, 0)
      const of = (sums: Float64Array): number =>
        computation.of(sums.subarray(0, width)) - computation.of(sums.subarray(width))
      const parts = [...own, ...computation.parts(champion)]
      return { difference: believed(inferFromSums({ parts, of, sampling, seed: SEED })) }
    }
    case 'weights': {
      const [one, other] = [computation.prepare(candidate), computation.prepare(champion)]
      const of = (weights?: Float64Array): number => one(weights) - other(weights)
      const binned = () => pairBinned(computation.binned(candidate), computation.binned(champion))
      return { difference: believed(inferFromWeights({ of, binned, sampling, seed: SEED })) }
    }
    case 'areas': {
      if (candidate.kind !== 'classification' || champion.kind !== 'classification')
        return { difference: inferNothing(candidate) }
      const areas = [areasOf(computation, candidate), areasOf(computation, champion)] as const
      return { difference: inferAreaDifference(...areas, sampling) }
    }
    case 'cells':
      return candidate.kind === 'classification' && champion.kind === 'classification'
        ? compareCells(computation, candidate, champion)
        : { difference: inferNothing(candidate) }
  }
}

type Binned = ReturnType<Extract<Computation<JudgedRows>, { kind: 'weights' }>['binned']>

function pairBinned(one: Binned, other: Binned): Binned {
  const width = one.parts.reduce((sum, part) => sum + part.width, 0)
  return {
    parts: [...one.parts, ...other.parts],
    of: (sums) => one.of(sums.subarray(0, width)) - other.of(sums.subarray(width)),
  }
}

/** A bootstrap with nothing to hold it up is too sure of few rows. */
const FEWEST_UNITS = 50

function believed(inference: Inference): Inference {
  if (inference.units >= FEWEST_UNITS) return inference
  return { ...inference, atLeast: () => -Infinity, atMost: () => Infinity }
}

function compareCells(computation: CellComputation, candidate: ClassRows, champion: ClassRows): Difference {
  const { sampling, classes, positive } = candidate
  const isPlain = sampling.weights === undefined && sampling.units === undefined
  const pairs = isPlain ? computation.pairedShare?.(candidate, champion) : undefined
  if (pairs !== undefined) return { difference: inferPairedShares(pairs), pairs }
  const ofCandidate = countsReader(classes.length)
  const ofChampion = countsReader(classes.length, widthOfCounts(classes.length))
  return {
    difference: inferFromSums({
      parts: pairedParts(candidate, champion),
      of: (sums) => computation.of(ofCandidate(sums), positive) - computation.of(ofChampion(sums), positive),
      sampling,
      seed: SEED,
      imaginary: imaginaryPairs(candidate),
      range: [-1, 1],
    }),
  }
}

/** The same two models give the same array, so that metrics of one confusion share what was drawn. */
function pairedParts(candidate: ClassRows, champion: ClassRows) {
  const known = PAIRED.get(candidate)
  if (known?.champion === champion) return known.parts
  const parts = [...countParts(candidate), ...countParts(champion)]
  PAIRED.set(candidate, { champion, parts })
  return parts
}

const PAIRED = new WeakMap<ClassRows, { champion: ClassRows; parts: ReturnType<typeof countParts> }>()

/** Beyond so many classes rows are many too, and imaginary ones change nothing. */
const MOST_IMAGINED = 100

/** For each class that is true of some row, one more that only the champion answers right, and one only the candidate. */
function imaginaryPairs({ classes, truth, sampling }: ClassRows): Float64Array[] {
  const count = classes.length
  if (count > MOST_IMAGINED) return []
  const actual = sumParts([{ width: count, slot: truth }], sampling.rows)
  return [...actual].flatMap((rows, c) => {
    if (rows === 0) return []
    const [right, wrong] = [oneRow(count, c, c), oneRow(count, c, (c + 1) % count)]
    return [Float64Array.of(...wrong, ...right), Float64Array.of(...right, ...wrong)]
  })
}

/** What is kept of a comparison, at one confidence. */
export function describeComparison({ candidate, champion, advantage, pairs }: Comparison, confidence: number) {
  const { low, high } = intervalOf(advantage, confidence)
  return {
    candidate,
    champion,
    advantage: advantage.estimate,
    low: finite(low),
    high: finite(high),
    atLeast: finite(advantage.atLeast(confidence)),
    atMost: finite(advantage.atMost(confidence)),
    confidence,
    rows: advantage.units,
    method: advantage.method,
    ...(pairs === undefined ? {} : { discordant: mcnemar(pairs.candidateOnly, pairs.championOnly) }),
  }
}

/** Null: the rows set no end. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
