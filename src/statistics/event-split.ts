/** Bad requests at one routing weight. With sticky routing, count only the first of each key. */
interface SplitCount {
  /** Share of requests that went to the candidate, in (0, 1), fixed before each request. */
  readonly weight: number
  readonly candidateBad: number
  readonly championBad: number
}

export interface EventSplitQuestion {
  readonly levels: readonly SplitCount[]
  /** How many times as often the candidate may be bad (1.25: a quarter more). */
  readonly toleratedRatio: number
  /** Probability of ever rolling back a candidate within that ratio. */
  readonly alpha: number
  /** No roll-back before the candidate was bad this often, however strong the evidence. Default 5. */
  readonly minimumBad?: number
}

export interface EventSplitAnswer {
  readonly decision: 'roll-back' | 'go-on'
  /** The e-value: at 1/alpha the candidate is rolled back. May be Infinity; its logarithm is not. */
  readonly evidence: number
  readonly logEvidence: number
  readonly candidateBad: number
  readonly championBad: number
}

const MIXTURE = [1.25, 1.5, 2, 3, 5, 10, 30, 100]
const FEWEST_BAD = 5

/**
 * Is the candidate bad more often than the champion by more than the tolerated ratio? May be asked after
 * every request, at changing weights, for ever: the chance of ever being wrong stays below alpha (Ville's
 * inequality). When a bad request happens at weight w, the candidate caused it with probability
 * θ = ρw / (ρw + 1 - w), ρ being the ratio of the bad rates: the base rate cancels, so daily cycles do not
 * matter. Two-arm case of Lindon and Malek, "Anytime-Valid Inference for Multinomial Count Data" (NeurIPS
 * 2022), mixed over eight ratios. Levels at weight 0 or 1 say nothing and are passed over.
 */
export function eventSplit({
  levels,
  toleratedRatio,
  alpha,
  minimumBad = FEWEST_BAD,
}: EventSplitQuestion): EventSplitAnswer {
  const mixed = levels.filter(({ weight }) => weight > 0 && weight < 1)
  const perRatio = MIXTURE.map((multiple) => logLikelihoodRatio(mixed, toleratedRatio * multiple, toleratedRatio))
  const logEvidence = logMean(perRatio)
  const candidateBad = levels.reduce((sum, level) => sum + level.candidateBad, 0)
  const championBad = levels.reduce((sum, level) => sum + level.championBad, 0)
  const isStrong = logEvidence >= -Math.log(alpha) && candidateBad >= minimumBad
  return {
    decision: isStrong ? 'roll-back' : 'go-on',
    evidence: Math.exp(logEvidence),
    logEvidence,
    candidateBad,
    championBad,
  }
}

export interface DurationQuestion {
  readonly weight: number
  /** The true ratio that should be found. */
  readonly ratio: number
  readonly toleratedRatio: number
  readonly alpha: number
  /** The champion's share of bad requests. */
  readonly championBadRate: number
}

/**
 * About how many bad events, and requests of both arms, it takes until a candidate of that ratio is rolled
 * back: ln(8/alpha) / KL. Errs on the long side, by 12 to 48 % against simulation.
 */
export function expectedDuration(question: DurationQuestion): { events: number; requests: number } {
  const { weight, ratio, toleratedRatio, alpha, championBadRate } = question
  if (ratio <= toleratedRatio) return { events: Infinity, requests: Infinity }
  const truth = candidateShare(weight, ratio)
  const tolerated = candidateShare(weight, toleratedRatio)
  const information = truth * Math.log(truth / tolerated) + (1 - truth) * Math.log((1 - truth) / (1 - tolerated))
  const events = Math.log(MIXTURE.length / alpha) / information
  return { events, requests: events / (championBadRate * (weight * ratio + 1 - weight)) }
}

function logLikelihoodRatio(levels: readonly SplitCount[], ratio: number, tolerated: number): number {
  let sum = 0
  for (const { weight, candidateBad, championBad } of levels) {
    const alternative = candidateShare(weight, ratio)
    const allowed = candidateShare(weight, tolerated)
    sum += candidateBad * Math.log(alternative / allowed) + championBad * Math.log((1 - alternative) / (1 - allowed))
  }
  return sum
}

function candidateShare(weight: number, ratio: number): number {
  return (ratio * weight) / (ratio * weight + 1 - weight)
}

function logMean(logs: readonly number[]): number {
  const largest = Math.max(...logs)
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0) / logs.length)
}
