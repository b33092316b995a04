import { type BootstrapInterval, numberUnits, percentileInterval, resample, type ResampleOptions } from './resample.ts'

export interface MetricRows extends ResampleOptions {
  readonly rows: number
  /**
   * The number of interest, given how much each row counts: 0 for a row that was not drawn, 2 for one drawn
   * twice (times its own weight). For a paired comparison it is candidate's metric minus champion's on the
   * same weights. NaN says that it does not exist there (no row of a class, say).
   */
  readonly metric: (weights: Float64Array) => number
  readonly weights?: ArrayLike<number>
  readonly units?: readonly (string | number)[]
}

export interface MetricInterval extends BootstrapInterval {
  /** Share of resamples on which the metric did not exist; above a few per cent do not trust the ends. */
  readonly undefinedShare: number
}

/**
 * Percentile bootstrap of any metric of rows (macro F1, AUC, log loss): for those that are not a mean over
 * rows. Drawn rows are told as weights, not as copies: metrics then presort once and go through once.
 */
export function bootstrapMetric(options: MetricRows): MetricInterval {
  const unit = numberUnits(options.rows, options.units)
  const own = Float64Array.from({ length: options.rows }, (_, i) => options.weights?.[i] ?? 1)
  const times = new Uint32Array(unit.count)
  const weights = new Float64Array(options.rows)
  const values = resample(unit.count, options, (drawn) => {
    times.fill(0)
    for (const u of drawn) times[u]!++
    for (let i = 0; i < weights.length; i++) weights[i] = own[i]! * times[unit.of[i]!]!
    return options.metric(weights)
  })
  const defined = values.filter((value) => !Number.isNaN(value))
  const interval = percentileInterval(defined, options.metric(own), options.confidence, unit.count)
  return { ...interval, undefinedShare: 1 - defined.length / values.length }
}
