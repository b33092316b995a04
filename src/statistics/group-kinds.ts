/** The sums of groups of rows, one group after another. */
export interface GroupSums {
  readonly sums: Float64Array
  readonly width: number
  readonly count: number
}

/** The different ones among them, and how many groups are of each. */
export interface Kinds {
  readonly sums: Float64Array
  readonly counts: Float64Array
}

/** Nanoseconds: one binomial, one draw of a group, one number added to a sum. */
const BINOMIAL = 100
const DRAW = 4
const ADDITION = 2

/**
 * Groups by their kind, where drawing how often each kind comes is cheaper than drawing groups: units whose rows
 * are answered alike, differences of 0 and 1. Undefined where kinds are too many; few groups tell that already.
 */
export function fewKinds({ sums, width, count }: GroupSums): Kinds | undefined {
  const most = Math.floor((count * (DRAW + width * ADDITION)) / (BINOMIAL + width * ADDITION))
  const places = new Map<number | string, number>()
  const counts: number[] = []
  const firsts: number[] = []
  for (let group = 0; group < count; group++) {
    const from = group * width
    const name = width === 1 ? sums[from]! : sums.subarray(from, from + width).join()
    const place = places.get(name)
    if (place !== undefined) {
      counts[place]!++
      continue
    }
    if (places.size >= most) return undefined
    places.set(name, places.size)
    counts.push(1)
    firsts.push(from)
  }
  const kept = new Float64Array(firsts.length * width)
  for (const [kind, from] of firsts.entries()) kept.set(sums.subarray(from, from + width), kind * width)
  return { sums: kept, counts: Float64Array.from(counts) }
}
