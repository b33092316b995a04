import type { Inference } from './inference.ts'
import { normalQuantile } from './normal.ts'
import { studentQuantile } from './student.ts'

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
 * change nothing. Few units are drawn too narrow, by (n - 1) / n, and their spread is itself a guess: below thirty the
 * ends are at least Student's. One unit says nothing of how units differ.
 */
export function bootstrapInference(given: BootstrapValues): Inference {
  const { estimate, values, method, units } = given
  const defined = values.filter((value) => !Number.isNaN(value)).sort()
  const isKnown = !Number.isNaN(estimate) && units > 1 && defined.length >= values.length * (1 - MOST_UNDEFINED)
  const [least, most] = given.range ?? [-Infinity, Infinity]
  const reach = isKnown ? reachOf(defined, given) : () => Number.NaN
  const clip = (value: number): number => Math.min(most, Math.max(least, value))
  return {
    estimate,
    method,
    units,
    atLeast: (confidence) =>
      isKnown ? clip(Math.min(quantile(defined, 1 - confidence), estimate - reach(confidence))) : Number.NaN,
    atMost: (confidence) =>
      isKnown ? clip(Math.max(quantile(defined, confidence), estimate + reach(confidence))) : Number.NaN,
  }
}

const FEW_UNITS = 30

/** How far from the estimate an end is at least. Zero for enough units without imaginary ones: percentiles stand alone. */
function reachOf(
  defined: Float64Array,
  { estimate, units, imaginary = [] }: BootstrapValues,
): (confidence: number) => number {
  const extra = imaginary.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : (value - estimate) ** 2), 0)
  const isFew = units < FEW_UNITS
  if (extra === 0 && !isFew) return () => 0
  const mean = defined.reduce((sum, value) => sum + value, 0) / defined.length
  const squares = defined.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const variance = squares / Math.max(1, defined.length - 1)
  const spread = Math.sqrt((isFew ? (variance * units) / (units - 1) : variance) + extra)
  return (confidence) => spread * (isFew ? studentQuantile(confidence, units - 1) : normalQuantile(confidence))
}

/** The value with the share `p` below it, from the outer side where it falls between two. */
function quantile(sorted: Float64Array, p: number): number {
  const place = (sorted.length + 1) * p
  const index = p < 0.5 ? Math.floor(place) - 1 : Math.ceil(place) - 1
  return sorted[Math.min(sorted.length - 1, Math.max(0, index))] ?? Number.NaN
}
