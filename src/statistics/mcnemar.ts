import { binomialCdf, binomialTail } from './binomial.ts'

export interface McNemarResult {
  /** Rows that only the candidate, and only the champion, answered right. */
  readonly candidateOnly: number
  readonly championOnly: number
  /** Exact, two-sided: are they equally good? */
  readonly pValue: number
  /** Exact, one-sided: how likely at least so many losses are when the candidate is not worse. */
  readonly pValueWorse: number
}

/**
 * McNemar's exact test (McNemar 1947; exact form: binomial on the rows where exactly one is right). Rows
 * where both are right or both wrong carry no information about which is better.
 */
export function mcnemar(candidateOnly: number, championOnly: number): McNemarResult {
  const discordant = candidateOnly + championOnly
  const fewer = Math.min(candidateOnly, championOnly)
  return {
    candidateOnly,
    championOnly,
    pValue: Math.min(1, 2 * binomialCdf(fewer, discordant, 0.5)),
    pValueWorse: binomialTail(championOnly, discordant, 0.5),
  }
}
