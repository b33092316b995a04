import type { Inference } from './inference.ts'
import { normalQuantile } from './normal.ts'

/** Rows that both models answered; of them, how many only one answered right. */
export interface PairedCounts {
  readonly rows: number
  readonly candidateOnly: number
  readonly championOnly: number
}

/**
 * The difference of two shares of the same rows, candidate minus champion, by the score interval of Tango
 * (1998): the differences that a test of exactly that difference would not reject. Unlike the usual interval
 * it keeps its level for few discordant rows, and rows that all agree do not make it sure of everything:
 * from 500 of them it says "at most 0.5 points worse".
 */
export function inferPairedShares(counts: PairedCounts): Inference {
  return {
    estimate: (counts.candidateOnly - counts.championOnly) / counts.rows,
    method: 'score interval of paired shares (Tango)',
    units: counts.rows,
    atLeast: (confidence) => lowerEnd(counts, confidence),
    atMost: (confidence) => -lowerEnd(swapped(counts), confidence),
  }
}

/**
 * Tango's statistic for "the true difference is `difference`": how many standard deviations the counts are
 * above it. The standard deviation is the one that would be true there, with the nuisance share (rows that
 * only the champion answers right) at its most likely value.
 */
export function scoreStatistic({ rows, candidateOnly, championOnly }: PairedCounts, difference: number): number {
  const a = 2 * rows
  const b = (2 * rows - candidateOnly + championOnly) * difference - candidateOnly - championOnly
  const c = -championOnly * difference * (1 - difference)
  const share = (Math.sqrt(Math.max(0, b * b - 4 * a * c)) - b) / (2 * a)
  const variance = rows * (2 * share + difference * (1 - difference))
  const excess = candidateOnly - championOnly - rows * difference
  if (variance > 0) return excess / Math.sqrt(variance)
  return excess === 0 ? 0 : Math.sign(excess) * Infinity
}

/** Halving: the statistic falls as the difference grows. */
function lowerEnd(counts: PairedCounts, confidence: number): number {
  if (counts.rows === 0) return -1
  const z = normalQuantile(confidence)
  let low = -1
  let high = (counts.candidateOnly - counts.championOnly) / counts.rows
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (scoreStatistic(counts, middle) >= z) low = middle
    else high = middle
  }
  return low
}

function swapped({ rows, candidateOnly, championOnly }: PairedCounts): PairedCounts {
  return { rows, candidateOnly: championOnly, championOnly: candidateOnly }
}
