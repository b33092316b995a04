/** What a model answered for rows whose truth is known. */
export type JudgedRows = ClassRows | NumberRows

export interface ClassRows {
  readonly kind: 'classification'
  /** All that occur in truth or answers, numbers in their order, others by name. */
  readonly classes: readonly string[]
  /** Places in `classes`. */
  readonly truth: Int32Array
  readonly predicted: Int32Array
  /** One number per row and class, row after row. */
  readonly scores?: Float64Array
}

export interface NumberRows {
  readonly kind: 'regression'
  readonly truth: Float64Array
  readonly predicted: Float64Array
}

/** The rows at these places. */
export function pickRows(rows: JudgedRows, places: readonly number[]): JudgedRows {
  if (rows.kind === 'regression') {
    const pick = (values: Float64Array): Float64Array => Float64Array.from(places, (i) => values[i] ?? Number.NaN)
    return { kind: 'regression', truth: pick(rows.truth), predicted: pick(rows.predicted) }
  }
  const { scores, classes } = rows
  const pick = (values: Int32Array): Int32Array => Int32Array.from(places, (i) => values[i] ?? 0)
  const picked = { kind: rows.kind, classes, truth: pick(rows.truth), predicted: pick(rows.predicted) }
  return scores === undefined ? picked : { ...picked, scores: pickScores(scores, classes.length, places) }
}

function pickScores(scores: Float64Array, width: number, places: readonly number[]): Float64Array {
  const picked = new Float64Array(places.length * width)
  for (const [to, from] of places.entries()) picked.set(scores.subarray(from * width, (from + 1) * width), to * width)
  return picked
}
