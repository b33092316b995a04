import { upperGamma } from './gamma.ts'

/** P(Z ≤ x) of the standard normal; far tails keep their relative precision. */
export function normalCdf(x: number): number {
  const tail = 0.5 * upperGamma(0.5, (x * x) / 2)
  return x < 0 ? tail : 1 - tail
}

/** The x with P(Z ≤ x) = p; ±Infinity at 1 and 0. Acklam's rational approximation, then two Newton steps. */
export function normalQuantile(p: number): number {
  if (p <= 0) return -Infinity
  if (p >= 1) return Infinity
  if (p > 0.5) return -normalQuantile(1 - p)
  let x = p < 0.02425 ? tailStart(p) : middleStart(p)
  for (let i = 0; i < 2; i++) x -= ((normalCdf(x) - p) / Math.exp((-x * x) / 2)) * Math.sqrt(2 * Math.PI)
  return x
}

function tailStart(p: number): number {
  const q = Math.sqrt(-2 * Math.log(p))
  const top = polynomial(
    q,
    [
      -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
      2.938163982698783,
    ],
  )
  return top / polynomial(q, [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1])
}

function middleStart(p: number): number {
  const q = p - 0.5
  const r = q * q
  const top = polynomial(
    r,
    [
      -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716,
      2.506628277459239,
    ],
  )
  return (
    (top * q) /
    polynomial(r, [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1])
  )
}

function polynomial(x: number, coefficients: readonly number[]): number {
  let sum = 0
  for (const coefficient of coefficients) sum = sum * x + coefficient
  return sum
}
