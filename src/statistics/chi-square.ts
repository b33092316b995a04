import { upperGamma } from './gamma.ts'

/** P(X ≥ `statistic`) of the chi-square distribution: the p-value of a chi-square test. */
export function chiSquareTail(statistic: number, degreesOfFreedom: number): number {
  return degreesOfFreedom === 0 ? 1 : upperGamma(degreesOfFreedom / 2, statistic / 2)
}
