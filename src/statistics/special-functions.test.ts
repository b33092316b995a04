import { expect, test } from 'vitest'
import { betaCdf, betaQuantile } from './beta.ts'
import { binomialCdf, binomialTail } from './binomial.ts'
import { chiSquareTail } from './chi-square.ts'
import { logGamma } from './gamma.ts'
import golden from './golden.json' with { type: 'json' }
import { mcnemar } from './mcnemar.ts'
import { normalCdf, normalQuantile } from './normal.ts'
import { exactInterval, wilsonInterval } from './proportion-interval.ts'
import { studentQuantile } from './student.ts'

/** Relative to the size of the value, so that far tails are checked too. */
function expectClose(actual: number, wanted: number): void {
  expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(1e-9 * Math.abs(wanted) + 1e-300)
}

test('the normal distribution and its quantiles agree with SciPy, far tails too', () => {
  for (const { x, value } of golden.normalCdf) expectClose(normalCdf(x), value)
  for (const { p, value } of golden.normalQuantile) {
    expect(Math.abs(normalQuantile(p) - value)).toBeLessThan(1e-9)
  }
})

test("quantiles of Student's distribution agree with SciPy", () => {
  for (const { p, df, value } of golden.studentQuantile) {
    expect(Math.abs(studentQuantile(p, df) - value)).toBeLessThan(1e-9 * Math.max(1, Math.abs(value)))
  }
})

test('logGamma, the chi-square tail and the beta distribution agree with SciPy', () => {
  for (const { x, value } of golden.logGamma)
    expect(Math.abs(logGamma(x) - value)).toBeLessThan(1e-12 + 1e-12 * Math.abs(value))
  for (const { x, df, value } of golden.chiSquareTail) expectClose(chiSquareTail(x, df), value)
  for (const { x, a, b, value } of golden.betaCdf) expectClose(betaCdf(x, a, b), value)
  for (const { p, a, b, value } of golden.betaQuantile) expectClose(betaQuantile(p, a, b), value)
})

test('both binomial tails agree with SciPy', () => {
  for (const { k, n, p, cdf, tail } of golden.binomial) {
    expectClose(binomialCdf(k, n, p), cdf)
    expectClose(binomialTail(k, n, p), tail)
  }
})

test('exact and Wilson intervals of a share agree with SciPy', () => {
  for (const { exact, wilson, ...proportion } of golden.proportions) {
    const ours = { exact: exactInterval(proportion), wilson: wilsonInterval(proportion) }

    expectClose(ours.exact.low, exact.low)
    expectClose(ours.exact.high, exact.high)
    expectClose(ours.wilson.low, wilson.low)
    expectClose(ours.wilson.high, wilson.high)
  }
})

test("McNemar's exact p-values agree with SciPy's binomial test", () => {
  for (const { candidateOnly, championOnly, pValue, pValueWorse } of golden.mcnemar) {
    const result = mcnemar(candidateOnly, championOnly)

    expectClose(result.pValue, pValue)
    expectClose(result.pValueWorse, pValueWorse)
  }
})

test('with no trials at all nothing is known about a share', () => {
  expect(exactInterval({ successes: 0, trials: 0, confidence: 0.95 })).toEqual({ low: 0, high: 1 })
  expect(wilsonInterval({ successes: 0, trials: 0, confidence: 0.95 })).toEqual({ low: 0, high: 1 })
})
