import type { SeededRandom } from './random.ts'

/** How often something of probability `p` happens in `n` trials. Exact; a few draws whatever `n` is. */
export function drawBinomial(random: SeededRandom, n: number, p: number): number {
  if (n === 0 || p <= 0) return 0
  if (p >= 1) return n
  if (p > 0.5) return n - drawBinomial(random, n, 1 - p)
  return n * p < 10 ? byInversion(random, n, p) : byRejection(random, n, p)
}

/** Goes up the distribution function: n × p steps on average. */
function byInversion(random: SeededRandom, n: number, p: number): number {
  const odds = p / (1 - p)
  let chance = (1 - p) ** n
  let rest = random.next()
  let k = 0
  while (rest > chance && k < n) {
    rest -= chance
    k++
    chance *= (odds * (n - k + 1)) / k
  }
  return k
}

/** Transformed rejection (Hörmann 1993, BTRS): 1.5 tries on average. */
function byRejection(random: SeededRandom, n: number, p: number): number {
  const deviation = Math.sqrt(n * p * (1 - p))
  const b = 1.15 + 2.53 * deviation
  const a = -0.0873 + 0.0248 * b + 0.01 * p
  const centre = n * p + 0.5
  const squeeze = 0.92 - 4.2 / b
  const alpha = (2.83 + 5.1 / b) * deviation
  const logOdds = Math.log(p / (1 - p))
  const mode = Math.floor((n + 1) * p)
  for (;;) {
    const u = random.next() - 0.5
    let v = random.next()
    const near = 0.5 - Math.abs(u)
    const k = Math.floor(((2 * a) / near + b) * u + centre)
    if (near >= 0.07 && v <= squeeze) return k
    if (k < 0 || k > n) continue
    v = Math.log((v * alpha) / (a / (near * near) + b))
    const bound = logFactorials(mode, n) - logFactorials(k, n) + (k - mode) * logOdds
    if (v <= bound) return k
  }
}

/** ln(k!) + ln((n - k)!). */
function logFactorials(k: number, n: number): number {
  return logFactorial(k) + logFactorial(n - k)
}

/** Stirling's series; below ten the product itself. */
function logFactorial(k: number): number {
  if (k < 10) {
    let product = 1
    for (let i = 2; i <= k; i++) product *= i
    return Math.log(product)
  }
  const square = k * k
  return (
    (k + 0.5) * Math.log(k) - k + 0.5 * Math.log(2 * Math.PI) + (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / k
  )
}
