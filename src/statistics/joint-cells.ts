import type { Part } from './additive.ts'

/** The different combinations of slots that occur: rows of each, and where each adds to the sums. */
export interface JointCells {
  readonly counts: Float64Array
  /** One for each part, cell after cell. */
  readonly places: Uint32Array
}

export function countCells(parts: readonly Part[], rows: number): JointCells {
  const cellOf = new Uint32Array(rows)
  let cells = 1
  for (const part of parts) cells = splitCells(cellOf, cells, part)
  const counts = new Float64Array(cells)
  const places = new Uint32Array(cells * parts.length)
  for (let i = 0; i < rows; i++) counts[cellOf[i]!]!++
  let first = 0
  for (const [p, { width, slot }] of parts.entries()) {
    for (let i = 0; i < rows; i++) places[cellOf[i]! * parts.length + p] = first + (slot === undefined ? 0 : slot[i]!)
    first += width
  }
  return { counts, places }
}

/** Up to so many combinations a table is faster than a map: ten million rows take 0.1 s. */
const MOST_IN_TABLE = 4_000_000

/** Numbers the combinations of what `cellOf` says and the part's slots, and answers how many there are. */
function splitCells(cellOf: Uint32Array, cells: number, { width, slot }: Part): number {
  if (slot === undefined || width === 1) return cells
  const numberOf = cells * width <= MOST_IN_TABLE ? tableOfNumbers(cells * width) : mapOfNumbers()
  let count = 0
  for (let i = 0; i < cellOf.length; i++) {
    const number = numberOf(cellOf[i]! * width + slot[i]!)
    cellOf[i] = number
    if (number >= count) count = number + 1
  }
  return Math.max(1, count)
}

function tableOfNumbers(size: number): (code: number) => number {
  const numbers = new Int32Array(size).fill(-1)
  let next = 0
  return (code) => {
    if (numbers[code] === -1) numbers[code] = next++
    return numbers[code]!
  }
}

function mapOfNumbers(): (code: number) => number {
  const numbers = new Map<number, number>()
  return (code) => {
    const known = numbers.get(code)
    if (known !== undefined) return known
    numbers.set(code, numbers.size)
    return numbers.size - 1
  }
}
