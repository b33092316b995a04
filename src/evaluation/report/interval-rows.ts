import type { EvaluationResult, ModelMeasures } from '../evaluation-result.ts'
import type { Measure } from '../measure.ts'
import type { Interval, IntervalRow } from './plots.ts'

const MOST_ROWS = 30

/** A measure as a plot draws it; undefined where it has no value or ends. */
function drawn(measure: Measure | undefined): Interval | undefined {
  if (measure === undefined) return undefined
  const { value, low, high } = measure
  return value === null || low === null || high === null ? undefined : { value, low, high }
}

/** The same metric averaged otherwise: in the table, and not drawn. */
const VARIANT = /-(macro|micro|weighted)$/

/** Metrics between 0 and 1, which can share an axis; the others stand in the table. */
export function unitRows(candidate: ModelMeasures, champion: ModelMeasures | undefined): IntervalRow[] {
  return Object.entries(candidate.metrics).flatMap(([name, measure]) => {
    const own = drawn(measure)
    const other = drawn(champion?.metrics[name])
    const fits = [own, other].every((one) => one === undefined || (one.low >= 0 && one.high <= 1))
    if (own === undefined || !fits || VARIANT.test(name)) return []
    return [{ name, candidate: own, ...(other === undefined ? {} : { champion: other }) }]
  })
}

/** The values of a column by the first metric that was measured for them, the worst first. */
export function sliceRows(
  slices: EvaluationResult['slices'],
  column: string,
): { readonly metric: string; readonly rows: readonly IntervalRow[]; readonly left: number } {
  const own = slices.filter((slice) => slice.column === column)
  const metric = Object.keys(own[0]?.candidate ?? {})[0] ?? ''
  const rows = own.flatMap(({ value, rows: count, candidate, champion }) => {
    const measure = drawn(candidate[metric])
    const other = drawn(champion?.[metric])
    if (measure === undefined) return []
    return [
      { name: value, note: `${count} rows`, candidate: measure, ...(other === undefined ? {} : { champion: other }) },
    ]
  })
  rows.sort((a, b) => a.candidate.value - b.candidate.value)
  return { metric, rows: rows.slice(0, MOST_ROWS), left: Math.max(0, rows.length - MOST_ROWS) }
}
