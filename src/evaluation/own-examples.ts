import type { RowOutcomes } from './evaluation-result.ts'
import { exampleOf, largest, type ExampleRow } from './row-evidence.ts'

/** The rows whose number of the author's own differs most between champion and candidate; undefined of other metrics. */
export function ownExamples(metric: string, outcomes: RowOutcomes): readonly ExampleRow[] | undefined {
  const one = outcomes.candidate.own?.[metric]
  const other = outcomes.champion?.own?.[metric]
  if (one === undefined || other === undefined) return undefined
  const shown = (value: number | undefined): string => String(Number((value ?? Number.NaN).toPrecision(6)))
  const differences = Float64Array.from(one, (value, row) => Math.abs(value - other[row]!))
  return largest(differences).map(({ row, distance }) => ({
    ...exampleOf(outcomes, row, distance),
    candidate: shown(one[row]),
    champion: shown(other[row]),
  }))
}
