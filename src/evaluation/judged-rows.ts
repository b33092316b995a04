import type { Sampling } from '../statistics/additive.ts'

/** What a model answered for rows whose truth is known. */
export type JudgedRows = ClassRows | NumberRows

interface RowsBase {
  /** How much each row counts, and which belong together. */
  readonly sampling: Sampling
  /** Per-row numbers of the author's own, by metric. */
  readonly own?: Readonly<Record<string, Float64Array>>
}

export interface ClassRows extends RowsBase {
  readonly kind: 'classification'
  /** All that occur in truth or answers, numbers in their order, others by name. */
  readonly classes: readonly string[]
  /** Places in `classes`. */
  readonly truth: Int32Array
  readonly predicted: Int32Array
  /** One number per row and class, row after row; NaN where there is none. */
  readonly scores?: Float64Array
  /** The place of the class that matters (`evaluation.positive`). */
  readonly positive?: number
  /** The only two that are true of some row or have a score, where the others are mere answers. */
  readonly pair?: readonly [number, number]
}

/** The two classes that scores tell apart; undefined where there are more. */
export function twoClasses({ classes, pair }: ClassRows): readonly [number, number] | undefined {
  return classes.length === 2 ? [0, 1] : pair
}

export interface NumberRows extends RowsBase {
  readonly kind: 'regression'
  readonly truth: Float64Array
  readonly predicted: Float64Array
}

/** The rows at these places. */
export function pickRows(rows: JudgedRows, places: Uint32Array): JudgedRows {
  const sampling = pickSampling(rows.sampling, places)
  const own = rows.own === undefined ? {} : { own: pickOwn(rows.own, places) }
  if (rows.kind === 'regression') {
    const { kind, truth, predicted } = rows
    return { kind, sampling, ...own, truth: pickNumbers(truth, places), predicted: pickNumbers(predicted, places) }
  }
  const { scores, classes, kind, positive, pair } = rows
  const pick = (values: Int32Array): Int32Array => {
    const picked = new Int32Array(places.length)
    for (let i = 0; i < places.length; i++) picked[i] = values[places[i]!]!
    return picked
  }
  const picked = {
    kind,
    sampling,
    ...own,
    classes,
    truth: pick(rows.truth),
    predicted: pick(rows.predicted),
    ...(positive === undefined ? {} : { positive }),
    ...(pair === undefined ? {} : { pair }),
  }
  return scores === undefined ? picked : withScores(picked, () => pickScores(scores, classes.length, places))
}

/** Scores are the most of what rows have, and most gates on slices do not look at them: picked when asked for. */
function withScores(rows: Omit<ClassRows, 'scores'>, pick: () => Float64Array): ClassRows {
  let scores: Float64Array | undefined
  return {
    ...rows,
    get scores() {
      return (scores ??= pick())
    },
  }
}

function pickSampling({ weights, units }: Sampling, places: Uint32Array): Sampling {
  return {
    rows: places.length,
    ...(weights === undefined ? {} : { weights: pickNumbers(weights, places) }),
    ...(units === undefined ? {} : { units: numberUnits(places.length, (i) => units.of[places[i]!]!) }),
  }
}

/** Units numbered from 0 in the order they come. */
export function numberUnits(rows: number, nameOf: (row: number) => number | string): NonNullable<Sampling['units']> {
  const of = new Uint32Array(rows)
  const numbers = new Map<number | string, number>()
  for (let i = 0; i < rows; i++) {
    const name = nameOf(i)
    const number = numbers.get(name) ?? numbers.size
    if (number === numbers.size) numbers.set(name, number)
    of[i] = number
  }
  return { of, count: numbers.size }
}

function pickOwn(own: Readonly<Record<string, Float64Array>>, places: Uint32Array): Record<string, Float64Array> {
  return Object.fromEntries(Object.entries(own).map(([name, values]) => [name, pickNumbers(values, places)]))
}

function pickNumbers(values: Float64Array, places: Uint32Array): Float64Array {
  const picked = new Float64Array(places.length)
  for (let i = 0; i < places.length; i++) picked[i] = values[places[i]!]!
  return picked
}

function pickScores(scores: Float64Array, width: number, places: Uint32Array): Float64Array {
  const picked = new Float64Array(places.length * width)
  for (let i = 0; i < places.length; i++) {
    const from = places[i]! * width
    for (let k = 0; k < width; k++) picked[i * width + k] = scores[from + k]!
  }
  return picked
}
