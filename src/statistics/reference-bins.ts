/**
 * Inner edges, ascending: the bins are (-∞, e0], (e0, e1], … (ek, ∞). Made once from the reference and
 * never from current data, so counts of different windows and servers can be compared and added.
 */
export type BinEdges = readonly number[]

const USUAL_BINS = 20

/**
 * About `bins` bins that hold equally many reference rows, from finite values (a sample will do). A value
 * with more than its share of rows (a default of 0, say) gets a bin of its own. Edges lie half-way between
 * neighbouring values, so that one written as float32 and one as text fall into the same bin. Outermost bins
 * are open; beside a heavy smallest or largest value there is one for what was never seen.
 */
export function referenceBins(values: ArrayLike<number>, bins: number = USUAL_BINS): BinEdges {
  const atoms = countValues(values)
  if (atoms.length === 1) return [...aroundOnly(atoms[0]!.value)]
  const share = values.length / bins
  const edges = new Set<number>()
  let open = 0
  for (const [i, { count }] of atoms.entries()) {
    if (count > share) {
      edges.add(edgeBelow(atoms, i)).add(edgeAbove(atoms, i))
      open = 0
    } else if (open + count >= share && i + 1 < atoms.length) {
      edges.add(edgeAbove(atoms, i))
      open = 0
    } else {
      open += count
    }
  }
  return [...edges].sort((a, b) => a - b)
}

/** How many of the values fall into each bin; values that are not finite are left out. */
export function countInBins(values: ArrayLike<number>, edges: BinEdges): number[] {
  const counts = Array.from({ length: edges.length + 1 }, () => 0)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (Number.isFinite(value)) counts[binOf(value, edges)]!++
  }
  return counts
}

const MOST_CATEGORIES = 255

/** The most frequent values of a categorical column, most frequent first; all others are "other". */
export function referenceCategories(counts: ReadonlyMap<string, number>, most: number = MOST_CATEGORIES): string[] {
  const byCount = [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
  return byCount.slice(0, most).map(([value]) => value)
}

/** Counts in the order of `categories`, and at the end of everything else. */
export function countInCategories(counts: ReadonlyMap<string, number>, categories: readonly string[]): number[] {
  const named = categories.map((category) => counts.get(category) ?? 0)
  const all = sum(counts.values())
  return [...named, all - sum(named)]
}

interface Atom {
  readonly value: number
  readonly count: number
}

function countValues(values: ArrayLike<number>): Atom[] {
  const atoms: { value: number; count: number }[] = []
  for (const value of Float64Array.from(values).sort()) {
    const last = atoms.at(-1)
    if (last?.value === value) last.count++
    else atoms.push({ value, count: 1 })
  }
  return atoms
}

// A column with one value has no gap to go by: a millionth of the value is wider than float32 is coarse.
function aroundOnly(value: number): [number, number] {
  const gap = Math.max(Math.abs(value) * 1e-6, 1e-9)
  return [value - gap, value + gap]
}

function edgeAbove(atoms: readonly Atom[], i: number): number {
  const here = atoms[i]!.value
  const next = atoms[i + 1]?.value ?? 2 * here - atoms[i - 1]!.value
  return between(here, next)
}

function edgeBelow(atoms: readonly Atom[], i: number): number {
  const here = atoms[i]!.value
  const previous = atoms[i - 1]?.value ?? 2 * here - atoms[i + 1]!.value
  return between(previous, here)
}

// Right-closed bins: the middle of two adjacent doubles must not round up to the upper one.
function between(low: number, high: number): number {
  const middle = low / 2 + high / 2
  return middle < high ? middle : low
}

function binOf(value: number, edges: BinEdges): number {
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (value <= edges[middle]!) high = middle
    else low = middle + 1
  }
  return low
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
