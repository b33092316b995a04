import type { EvaluationResult, RowOutcomes } from './evaluation-result.ts'
import { placesOf, rowsOf } from './judge-answers.ts'
import { pickRows, type JudgedRows } from './judged-rows.ts'
import { findMetric, type Metric } from './metrics.ts'

/** The rows that gates look at, with what each of them asks of them. Made once for all gates of a run. */
export interface GateRows {
  readonly candidate: JudgedRows
  readonly champion?: { readonly version: number } & ({ readonly failed: string } | { readonly rows: JudgedRows })
  /** Why there is none. */
  readonly noChampion?: string
  readonly find: (metric: string) => Metric | undefined
  /** No values of a slice that was not evaluated. */
  readonly slice: (name: string) => Slice
  /** The same rows and places give the same object. */
  readonly pick: (rows: JudgedRows, places: Uint32Array) => JudgedRows
}

export interface Slice {
  readonly values: readonly SliceValue[]
  /** There where more values occur than are looked at. */
  readonly rare?: RareValues
}

export interface RareValues {
  /** Of all of them together. */
  readonly rows: number
  /** No single one has more. */
  readonly most: number
}

export interface SliceValue {
  readonly value: string
  readonly count: number
  readonly places: () => Uint32Array
}

export function gateRows(result: EvaluationResult, outcomes: RowOutcomes): GateRows {
  const candidate = rowsOf(outcomes, outcomes.candidate)
  const picked = new Map<Uint32Array, Map<JudgedRows, JudgedRows>>()
  const slices = new Map<string, Slice>()
  return {
    candidate,
    ...championOf(result, outcomes),
    ...(result.noChampion === undefined ? {} : { noChampion: result.noChampion }),
    find: (name) => findMetric(result.task, name, result.own),
    slice(name) {
      const known = slices.get(name) ?? valuesOf(outcomes, name)
      slices.set(name, known)
      return known
    },
    pick(rows, places) {
      const ofPlaces = picked.get(places) ?? new Map<JudgedRows, JudgedRows>()
      picked.set(places, ofPlaces)
      const known = ofPlaces.get(rows) ?? pickRows(rows, places)
      ofPlaces.set(rows, known)
      return known
    },
  }
}

function championOf({ champion }: EvaluationResult, outcomes: RowOutcomes): Pick<GateRows, 'champion'> {
  if (champion === undefined) return {}
  const { version } = champion
  if ('failed' in champion) return { champion: { version, failed: champion.failed } }
  if (outcomes.champion === undefined) return { champion: { version, failed: 'its answers are missing' } }
  return { champion: { version, rows: rowsOf(outcomes, outcomes.champion) } }
}

function valuesOf({ slices }: RowOutcomes, name: string): Slice {
  const slice = slices.find(({ column }) => column === name)
  if (slice === undefined) return { values: [] }
  const places = placesOf(slice.of, slice.values.length)
  const values = slice.values.map((value, i) => ({ value, count: places[i]!.length, places: () => places[i]! }))
  const rows = slice.of.length - values.reduce((sum, { count }) => sum + count, 0)
  // Those that are looked at are the most frequent.
  return rows === 0 ? { values } : { values, rare: { rows, most: Math.min(...values.map(({ count }) => count), rows) } }
}
