/** Numbers of each row that only their sums matter of: a value (1 where absent), into one slot of `width`. */
export interface Part {
  readonly width: number
  /** Default: all rows into slot 0. */
  readonly slot?: ArrayLike<number>
  readonly values?: Float64Array
}

/** How much each row counts, and which rows belong together. */
export interface Sampling {
  readonly rows: number
  readonly weights?: Float64Array
  /** Of each row, from 0. */
  readonly units?: { readonly of: Uint32Array; readonly count: number }
}

export function widthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { width }) => sum + width, 0)
}

/** Sums over all rows, part after part; `weights` of the rows, default 1. */
export function sumParts(parts: readonly Part[], rows: number, weights?: Float64Array): Float64Array {
  const sums = new Float64Array(widthOf(parts))
  let first = 0
  for (const part of parts) {
    addPart(part, sums, first, rows, weights)
    first += part.width
  }
  return sums
}

/** Four loops that each do one thing: ten million rows take 20 ms in each, and 200 ms in one loop for all. */
function addPart(
  { slot, values }: Part,
  sums: Float64Array,
  first: number,
  rows: number,
  weights?: Float64Array,
): void {
  if (slot === undefined) sums[first]! += sumOf(values, rows, weights)
  else if (weights !== undefined) addWeighted(slot, values, sums, first, weights)
  else if (values !== undefined) for (let i = 0; i < rows; i++) sums[first + slot[i]!]! += values[i]!
  else for (let i = 0; i < rows; i++) sums[first + slot[i]!]!++
}

function sumOf(values: Float64Array | undefined, rows: number, weights: Float64Array | undefined): number {
  let sum = 0
  if (values === undefined && weights === undefined) return rows
  if (values !== undefined && weights !== undefined) for (let i = 0; i < rows; i++) sum += weights[i]! * values[i]!
  else for (const value of values ?? weights ?? []) sum += value
  return sum
}

function addWeighted(
  slot: ArrayLike<number>,
  values: Float64Array | undefined,
  sums: Float64Array,
  first: number,
  weights: Float64Array,
): void {
  for (let i = 0; i < weights.length; i++) {
    sums[first + slot[i]!]! += values === undefined ? weights[i]! : weights[i]! * values[i]!
  }
}

/** Sums per group of rows, one group after another. */
export function sumByGroup(
  parts: readonly Part[],
  rows: number,
  groups: { readonly of: ArrayLike<number>; readonly count: number },
  weights?: Float64Array,
): Float64Array {
  const width = widthOf(parts)
  const sums = new Float64Array(width * groups.count)
  let first = 0
  for (const { width: own, slot, values } of parts) {
    for (let i = 0; i < rows; i++) {
      const value = values === undefined ? 1 : values[i]!
      const place = groups.of[i]! * width + first + (slot === undefined ? 0 : slot[i]!)
      sums[place]! += weights === undefined ? value : weights[i]! * value
    }
    first += own
  }
  return sums
}

export function totalWeight({ rows, weights }: Sampling): number {
  return weights === undefined ? rows : weights.reduce((sum, weight) => sum + weight, 0)
}
