import type { PairedCounts } from '../statistics/paired-proportions.ts'
import {
  accuracyOf,
  balancedAccuracy,
  f1Of,
  macroMean,
  precisionOf,
  recallOf,
  weightedMean,
  type ClassCounts,
  type OfClass,
} from './class-counts.ts'
import type { ClassRows } from './judged-rows.ts'
import type { CellComputation } from './metric-computation.ts'

/** What a confusion matrix gives. */
export const CELL_METRICS: Readonly<Record<string, CellComputation>> = {
  accuracy: correctness(),
  'balanced-accuracy': cells(balancedAccuracy),
  precision: ofPositive(precisionOf, ({ called, right }, c) => ({ successes: right[c]!, trials: called[c]! })),
  recall: {
    ...ofPositive(recallOf, ({ actual, right }, c) => ({ successes: right[c]!, trials: actual[c]! })),
    pairedShare: pairedRecall,
  },
  f1: ofPositive(f1Of),
  ...averages('macro', macroMean),
  'precision-micro': correctness(),
  'recall-micro': correctness(),
  'f1-micro': correctness(),
  ...averages('weighted', weightedMean),
}

function cells(of: (counts: ClassCounts) => number): CellComputation {
  return { kind: 'cells', of }
}

function averages(
  name: string,
  mean: (counts: ClassCounts, of: OfClass) => number,
): Readonly<Record<string, CellComputation>> {
  const numbers = { precision: precisionOf, recall: recallOf, f1: f1Of }
  return Object.fromEntries(
    Object.entries(numbers).map(([number, of]) => [`${number}-${name}`, cells((counts) => mean(counts, of))]),
  )
}

function correctness(): CellComputation {
  return {
    kind: 'cells',
    of: accuracyOf,
    share: (counts) => ({
      successes: counts.right.reduce((sum, right) => sum + right, -counts.right.at(-1)!),
      trials: counts.actual.reduce((sum, actual) => sum + actual, 0),
    }),
    pairedShare: (candidate, champion) =>
      countPairs(
        candidate,
        champion,
        () => true,
        (rows, i) => rows.predicted[i] === rows.truth[i],
      ),
  }
}

/** Of the class that matters; without one the mean over classes. */
function ofPositive(
  of: OfClass,
  share?: (counts: ClassCounts, c: number) => { successes: number; trials: number },
): CellComputation {
  return {
    kind: 'cells',
    of: (counts, positive) => (positive === undefined ? macroMean(counts, of) : of(counts, positive)),
    ...(share === undefined
      ? {}
      : { share: (counts, positive) => (positive === undefined ? undefined : share(counts, positive)) }),
  }
}

/** Recall of one class is a share of the same rows for both models. */
function pairedRecall(candidate: ClassRows, champion: ClassRows): PairedCounts | undefined {
  const { positive, truth } = candidate
  if (positive === undefined) return undefined
  return countPairs(
    candidate,
    champion,
    (i) => truth[i] === positive,
    (rows, i) => rows.predicted[i] === positive,
  )
}

function countPairs(
  candidate: ClassRows,
  champion: ClassRows,
  counts: (row: number) => boolean,
  isRight: (rows: ClassRows, row: number) => boolean,
): PairedCounts {
  const pairs = { rows: 0, candidateOnly: 0, championOnly: 0 }
  for (let i = 0; i < candidate.truth.length; i++) {
    if (!counts(i)) continue
    pairs.rows++
    const one = isRight(candidate, i)
    const other = isRight(champion, i)
    if (one && !other) pairs.candidateOnly++
    if (other && !one) pairs.championOnly++
  }
  return pairs
}
