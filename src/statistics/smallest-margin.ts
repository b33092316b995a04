import { normalQuantile } from './normal.ts'

export interface MarginQuestion {
  /** Held-out rows (or units, where rows belong together). */
  readonly rows: number
  /** Of the gate: 0.95, say. */
  readonly confidence: number
  /** Expected share of rows that exactly one of the two models answers right. */
  readonly discordance?: number
  /** How often an equally good candidate should pass. */
  readonly power?: number
}

const USUAL_DISCORDANCE = 0.02
const USUAL_POWER = 0.8

/**
 * The smallest margin for "not worse than the champion by more than the margin" at which a candidate that
 * is just as good passes with the given power (default 0.8): (z_confidence + z_power) × standard error,
 * with the two imaginary rows that `pairedDifference` adds. Two versions of one model typically disagree on
 * 2 % of rows; very different ones on 10 %.
 */
export function smallestMargin({
  rows,
  confidence,
  discordance = USUAL_DISCORDANCE,
  power = USUAL_POWER,
}: MarginQuestion): number {
  const meanSquare = (rows * discordance + 2) / (rows + 2)
  return (normalQuantile(confidence) + normalQuantile(power)) * Math.sqrt(meanSquare / (rows + 2))
}

/** The fewest rows that support `margin`: what to answer somebody whose margin is too small. */
export function rowsForMargin(margin: number, question: Omit<MarginQuestion, 'rows'>): number {
  let enough = 1
  while (smallestMargin({ ...question, rows: enough }) > margin) enough *= 2
  let tooFew = Math.floor(enough / 2)
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2)
    if (smallestMargin({ ...question, rows: middle }) > margin) tooFew = middle
    else enough = middle
  }
  return enough
}
