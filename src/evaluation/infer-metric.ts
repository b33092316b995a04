import { inferFromSums } from '../statistics/additive-bootstrap.ts'
import { sumParts, type Part } from '../statistics/additive.ts'
import { inferArea, type Areas } from '../statistics/infer-area.ts'
import type { Inference } from '../statistics/inference.ts'
import { areaInfluence, type AreaInfluence, type RankedRows } from '../statistics/rank-area.ts'
import { inferShare } from '../statistics/share.ts'
import { inferFromWeights } from '../statistics/weighted-bootstrap.ts'
import { countClasses, countParts, countsReader, oneRow } from './class-counts.ts'
import type { ClassRows, JudgedRows } from './judged-rows.ts'
import type { AreaComputation, CellComputation, Computation } from './metric-computation.ts'
import { measurable, type Metric } from './metrics.ts'
import { isClass, ranked, rankedClasses } from './ranked-classes.ts'

/** The same seed everywhere, so that a decision can be computed again from its rows. */
export const SEED = 20_260_101

/**
 * A metric of one model's rows, with what they leave open. `inferNothing` where it does not exist: ask
 * `whyUndefined` for the reason.
 */
export function inferMetric(metric: Metric, rows: JudgedRows): Inference {
  const given = measurable(metric, rows)
  if (given === undefined || rows.sampling.rows === 0) return inferNothing(rows)
  // The union keeps computation and rows of one kind together, which the call cannot say.
  return infer(given.computation as Computation<JudgedRows>, given.rows)
}

export function inferNothing({ sampling }: JudgedRows): Inference {
  const nothing = (): number => Number.NaN
  return { estimate: Number.NaN, method: 'none', units: sampling.rows, atLeast: nothing, atMost: nothing }
}

function infer(computation: Computation<JudgedRows>, rows: JudgedRows): Inference {
  const { sampling } = rows
  const range = 'range' in computation && computation.range !== undefined ? { range: computation.range } : {}
  switch (computation.kind) {
    case 'mean': {
      const parts = [{ width: 1, values: computation.perRow(rows) }, { width: 1 }]
      return inferFromSums({ parts, of: (sums) => sums[0]! / sums[1]!, sampling, seed: SEED, ...range })
    }
    case 'sums': {
      const drawn = { parts: computation.parts(rows), sampling, seed: SEED }
      return computation.infer?.(drawn) ?? inferFromSums({ ...drawn, of: computation.of, ...range })
    }
    case 'weights': {
      const binned = () => computation.binned(rows)
      return inferFromWeights({ of: computation.prepare(rows), binned, sampling, seed: SEED, ...range })
    }
    case 'cells':
      return rows.kind === 'classification' ? inferCells(computation, rows) : inferNothing(rows)
    case 'areas':
      return rows.kind === 'classification' ? inferArea(areasOf(computation, rows), sampling) : inferNothing(rows)
  }
}

/** The value alone. NaN where it does not exist. */
export function estimateMetric(metric: Metric, rows: JudgedRows): number {
  const given = measurable(metric, rows)
  if (given === undefined || rows.sampling.rows === 0) return Number.NaN
  return estimate(given.computation as Computation<JudgedRows>, given.rows)
}

function estimate(computation: Computation<JudgedRows>, rows: JudgedRows): number {
  const { sampling } = rows
  const sums = (parts: readonly Part[]): Float64Array => sumParts(parts, sampling.rows, sampling.weights)
  switch (computation.kind) {
    case 'mean': {
      const of = sums([{ width: 1, values: computation.perRow(rows) }, { width: 1 }])
      return of[0]! / of[1]!
    }
    case 'sums':
      return computation.of(sums(computation.parts(rows)))
    case 'weights':
      return computation.prepare(rows)(sampling.weights)
    case 'cells':
      if (rows.kind === 'regression') return Number.NaN
      return computation.of(countClasses(rows), rows.positive)
    case 'areas':
      return rows.kind === 'classification' ? inferArea(areasOf(computation, rows), sampling).estimate : Number.NaN
  }
}

function inferCells(computation: CellComputation, rows: ClassRows): Inference {
  const { sampling, classes, positive } = rows
  const parts = countParts(rows)
  const counts = countClasses(rows)
  const isPlain = sampling.weights === undefined && sampling.units === undefined
  const share = isPlain ? computation.share?.(counts, positive) : undefined
  if (share !== undefined) return inferShare(share.successes, share.trials)
  const countsIn = countsReader(classes.length)
  return inferFromSums({
    parts,
    of: (sums) => computation.of(countsIn(sums), positive),
    sampling,
    seed: SEED,
    imaginary: imaginaryMistakes(counts.actual),
    range: [0, 1],
  })
}

/** Beyond so many classes rows are many too, and imaginary ones change nothing. */
const MOST_IMAGINED = 100

/** For each class that is true of some row, one more row of it that is taken for the next class. */
export function imaginaryMistakes(actual: Float64Array): Float64Array[] {
  if (actual.length > MOST_IMAGINED) return []
  return [...actual].flatMap((rows, c) => (rows === 0 ? [] : [oneRow(actual.length, c, (c + 1) % actual.length)]))
}

/** Of every class that has rows on both sides; none where no class has. */
export function areasOf({ average }: AreaComputation, rows: ClassRows): Areas {
  const judged = rankedClasses(rows).flatMap((c) => {
    const area = influenceOf(rows, c)
    return area.positives > 0 && area.negatives > 0 ? [{ c, area }] : []
  })
  const weights = judged.map(({ c }) => (average === 'macro' ? 1 : weightOfClass(rows, c)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const [only] = judged
  return {
    of: judged.map(({ area }) => area),
    shares: weights.map((weight) => weight / total),
    ...(judged.length === 1 && only !== undefined ? { isPositive: isClass(rows, only.c) } : {}),
  }
}

/** Both areas of a model, and its comparison, ask for the same. */
function influenceOf(rows: ClassRows, c: number): AreaInfluence {
  const byRank = ranked(rows, c)
  const known = INFLUENCES.get(byRank) ?? areaInfluence(byRank, rows.sampling)
  INFLUENCES.set(byRank, known)
  return known
}

const INFLUENCES = new WeakMap<RankedRows, AreaInfluence>()

function weightOfClass({ truth, sampling }: ClassRows, c: number): number {
  let weight = 0
  for (let i = 0; i < truth.length; i++) if (truth[i] === c) weight += sampling.weights?.[i] ?? 1
  return weight
}
