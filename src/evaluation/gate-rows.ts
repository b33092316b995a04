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
  /** Values of a slice; none of a slice that was not evaluated. */
  readonly slice: (name: string) => readonly SliceValue[]
  /** The same rows and places give the same object. */
  readonly pick: (rows: JudgedRows, places: Uint32Array) => JudgedRows
}

export interface SliceValue {
  readonly value: string
  readonly count: number
  readonly places: () => Uint32Array
}

export function gateRows(result: EvaluationResult, outcomes: RowOutcomes): GateRows {
  const candidate = rowsOf(outcomes, outcomes.candidate)
  const picked = new Map<Uint32Array, Map<JudgedRows, JudgedRows>>()
  const slices = new Map<string, readonly SliceValue[]>()
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

function valuesOf({ slices }: RowOutcomes, name: string): readonly SliceValue[] {
  const slice = slices.find(({ column }) => column === name)
  if (slice === undefined) return []
  const places = placesOf(slice.of, slice.values.length)
  return slice.values.map((value, i) => ({ value, count: places[i]!.length, places: () => places[i]! }))
}
