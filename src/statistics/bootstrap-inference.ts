import type { Inference } from './inference.ts'
import { normalQuantile } from './normal.ts'

export interface BootstrapValues {
  readonly estimate: number
  /** Of each resample; NaN where the number did not exist. */
  readonly values: Float64Array
  readonly method: string
  readonly units: number
  /** What the number would be with one more row that was not seen and might have been: lost, won. */
  readonly imaginary?: readonly number[]
  readonly range?: readonly [number, number]
}

/** So many resamples may lack the number before nothing is said. */
const MOST_UNDEFINED = 0.05

/**
 * Percentile ends (Efron 1979). From rows without a mistake a bootstrap concludes that there are none, even
 * from three of them; so its ends are pulled out to those of a normal with the bootstrap's spread and that of
 * the imaginary rows (the idea of Agresti and Coull; of Bonett and Price for pairs). For many rows they
 * change nothing.
 */
export function bootstrapInference(given: BootstrapValues): Inference {
  const { estimate, values, method, units } = given
  const defined = values.filter((value) => !Number.isNaN(value)).sort()
  const isKnown = !Number.isNaN(estimate) && defined.length >= values.length * (1 - MOST_UNDEFINED)
  const [least, most] = given.range ?? [-Infinity, Infinity]
  const spread = isKnown ? totalSpread(defined, estimate, given.imaginary ?? []) : Number.NaN
  const clip = (value: number): number => Math.min(most, Math.max(least, value))
  return {
    estimate,
    method,
    units,
    atLeast: (confidence) =>
      isKnown
        ? clip(Math.min(quantile(defined, 1 - confidence), estimate - normalQuantile(confidence) * spread))
        : Number.NaN,
    atMost: (confidence) =>
      isKnown
        ? clip(Math.max(quantile(defined, confidence), estimate + normalQuantile(confidence) * spread))
        : Number.NaN,
  }
}

/** Zero without imaginary rows: the percentiles then stand alone. */
function totalSpread(defined: Float64Array, estimate: number, imaginary: readonly number[]): number {
  const extra = imaginary.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : (value - estimate) ** 2), 0)
  if (extra === 0) return 0
  const mean = defined.reduce((sum, value) => sum + value, 0) / defined.length
  const variance = defined.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, defined.length - 1)
  return Math.sqrt(variance + extra)
}

/** The value with the share `p` below it, from the outer side where it falls between two. */
function quantile(sorted: Float64Array, p: number): number {
  const place = (sorted.length + 1) * p
  const index = p < 0.5 ? Math.floor(place) - 1 : Math.ceil(place) - 1
  return sorted[Math.min(sorted.length - 1, Math.max(0, index))] ?? Number.NaN
}
