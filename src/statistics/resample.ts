import { SeededRandom } from './random.ts'

/** Ends of a bootstrap distribution. One-sided ends have the whole error on their side. */
export interface BootstrapInterval {
  readonly estimate: number
  readonly confidence: number
  /** Two-sided. */
  readonly low: number
  readonly high: number
  /** One-sided: with `confidence` the true value is at least, and at most, this. */
  readonly atLeast: number
  readonly atMost: number
  /** What was drawn with replacement: rows, or units where rows belong together. */
  readonly units: number
  readonly resamples: number
}

export interface ResampleOptions {
  /** 0.95, say. */
  readonly confidence: number
  /** Same data, same seed, same answer. */
  readonly seed: number
  /** Default 2,000: enough for ends at 95 % to move by less than a tenth of the interval. */
  readonly resamples?: number
}

const DEFAULT_RESAMPLES = 2_000

/** Draws `units` of them with replacement, `resamples` times; `statistic` sees the drawn indices. */
export function resample(
  units: number,
  options: ResampleOptions,
  statistic: (drawn: Uint32Array) => number,
): Float64Array {
  const random = new SeededRandom(options.seed)
  const drawn = new Uint32Array(units)
  const values = new Float64Array(options.resamples ?? DEFAULT_RESAMPLES)
  for (let i = 0; i < values.length; i++) {
    random.fillIndices(drawn, units)
    values[i] = statistic(drawn)
  }
  return values
}

/** Percentile ends (Efron 1979), taken from the outer side where a quantile falls between two values. */
export function percentileInterval(
  values: Float64Array,
  estimate: number,
  confidence: number,
  units: number,
): BootstrapInterval {
  const sorted = values.toSorted()
  const error = 1 - confidence
  return {
    estimate,
    confidence,
    low: lowEnd(sorted, error / 2),
    high: highEnd(sorted, error / 2),
    atLeast: lowEnd(sorted, error),
    atMost: highEnd(sorted, error),
    units,
    resamples: values.length,
  }
}

/** Which unit each row belongs to, as numbers from 0; without `units` each row is its own. */
export function numberUnits(rows: number, units?: readonly (string | number)[]): { of: Uint32Array; count: number } {
  const of = new Uint32Array(rows)
  const numbers = new Map<string | number, number>()
  for (let i = 0; i < rows; i++) {
    const name = units?.[i] ?? i
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    of[i] = number
  }
  return { of, count: numbers.size }
}

function lowEnd(sorted: Float64Array, error: number): number {
  return sorted[Math.max(0, Math.floor((sorted.length + 1) * error) - 1)] ?? Number.NaN
}

function highEnd(sorted: Float64Array, error: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length + 1) * (1 - error)) - 1)] ?? Number.NaN
}
