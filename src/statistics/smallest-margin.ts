import { binomialCdf } from './binomial.ts'
import { normalQuantile } from './normal.ts'
import { scoreStatistic } from './paired-proportions.ts'

export interface MarginQuestion {
  /** Held-out rows. */
  readonly rows: number
  /** Of the gate: 0.95, say. */
  readonly confidence: number
  /** Expected share of rows that exactly one of the two models answers right. */
  readonly discordance?: number
  /** How often an equally good candidate should pass. */
  readonly power?: number
}

/** Two versions of one model typically disagree on 2 % of rows; very different ones on 10 %. */
const USUAL_DISCORDANCE = 0.02
export const USUAL_POWER = 0.8

/**
 * The smallest margin for "accuracy not worse than the champion's by more than the margin" at which a candidate
 * that is just as good passes with the given power (default 0.8). Not a formula: the chance that the gate's
 * own test passes is added up over the counts that may come, so it is right for few rows too.
 */
export function smallestMargin(question: MarginQuestion): number {
  const power = question.power ?? USUAL_POWER
  const stretches = likelyDifferences(question)
  let tooSmall = 0
  let enough = 1
  for (let i = 0; i < 20; i++) {
    const middle = (tooSmall + enough) / 2
    if (passes(middle, question, stretches) < power) tooSmall = middle
    else enough = middle
  }
  return enough
}

type Rows = Omit<MarginQuestion, 'power'>

/** How often a candidate that is exactly as good as the champion passes the gate on accuracy. */
export function chanceToPass(margin: number, rows: Rows): number {
  return passes(margin, rows, likelyDifferences(rows))
}

/** A number of differing rows that may come, and how likely it is (with its neighbours). */
interface Stretch {
  readonly differing: number
  readonly chance: number
}

/** Rarer ones together change the chance to pass by less than a millionth. */
const RARE = 1e-9

/** The same for every margin that is tried. */
function likelyDifferences({ rows, discordance = USUAL_DISCORDANCE }: Rows): Stretch[] {
  const spread = 6 * Math.sqrt(rows * discordance * (1 - discordance)) + 1
  const first = Math.max(0, Math.floor(rows * discordance - spread))
  const last = Math.min(rows, Math.ceil(rows * discordance + spread))
  // Far from few differing rows the chance changes slowly with their number: every so many are asked.
  const step = Math.max(1, Math.floor((last - first) / 60))
  const found: Stretch[] = []
  let below = binomialCdf(first - 1, rows, discordance)
  for (let from = first; from <= last; from += step) {
    const to = Math.min(last, from + step - 1)
    const upTo = binomialCdf(to, rows, discordance)
    if (upTo - below > RARE) found.push({ differing: Math.round((from + to) / 2), chance: upTo - below })
    below = upTo
  }
  return found
}

function passes(margin: number, { rows, confidence }: Rows, stretches: readonly Stretch[]): number {
  const z = normalQuantile(confidence)
  let sum = 0
  for (const { differing, chance } of stretches) {
    sum += chance * (1 - binomialCdf(fewestWins(rows, differing, margin, z) - 1, differing, 0.5))
  }
  return sum
}

/** Of so many differing rows, how many the candidate must win to pass; one more than all when that is not enough. */
function fewestWins(rows: number, differing: number, margin: number, z: number): number {
  let tooFew = -1
  let enough = differing + 1
  while (enough - tooFew > 1) {
    const wins = Math.floor((tooFew + enough) / 2)
    const counts = { rows, candidateOnly: wins, championOnly: differing - wins }
    if (scoreStatistic(counts, -margin) >= z) enough = wins
    else tooFew = wins
  }
  return enough
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
