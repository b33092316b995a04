/** Below this a comparison sort is as fast. */
const FEW = 2_000

/**
 * The places of `values` from the smallest to the largest; equal ones in their order. Many are sorted by
 * radix, byte by byte: faster for ten million than sorting the bare numbers. NaN is not allowed.
 */
export function sortedOrder(values: Float64Array): Uint32Array {
  return values.length >= FEW ? byRadix(values).row : byComparison(values)
}

/** The same with the values in that order: taken from the sorted keys, which lie in their order already. */
export function sortedWithOrder(values: Float64Array): { readonly sorted: Float64Array; readonly order: Uint32Array } {
  if (values.length >= FEW) {
    const keys = byRadix(values)
    return { sorted: valuesOf(keys), order: keys.row }
  }
  const order = byComparison(values)
  return { sorted: Float64Array.from(order, (place) => values[place]!), order }
}

function byComparison(values: Float64Array): Uint32Array {
  return Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]! || a - b)
}

/** The bits of a number in two halves, turned so that they sort as the number does, and where it stood. */
interface Keys {
  readonly low: Uint32Array
  readonly high: Uint32Array
  readonly row: Uint32Array
}

/** Keys move along with their rows: reading them where they were costs more than carrying them. */
function byRadix(values: Float64Array): Keys {
  let keys = sortableKeys(values)
  let spare = emptyKeys(values.length)
  for (const half of ['low', 'high'] as const) {
    for (let shift = 0; shift < 32; shift += 8) {
      if (!scatter(keys, spare, half, shift)) continue
      ;[keys, spare] = [spare, keys]
    }
  }
  return keys
}

/** One pass; false where all have the same byte, as the low ones of single precision do. */
function scatter(from: Keys, to: Keys, half: 'low' | 'high', shift: number): boolean {
  const key = from[half]
  const starts = new Uint32Array(257)
  for (let i = 0; i < key.length; i++) starts[((key[i]! >>> shift) & 255) + 1]!++
  if (starts.includes(key.length)) return false
  for (let byte = 0; byte < 256; byte++) starts[byte + 1]! += starts[byte]!
  const { low, high, row } = from
  const { low: toLow, high: toHigh, row: toRow } = to
  for (let i = 0; i < key.length; i++) {
    const place = starts[(key[i]! >>> shift) & 255]!++
    toLow[place] = low[i]!
    toHigh[place] = high[i]!
    toRow[place] = row[i]!
  }
  return true
}

function sortableKeys(values: Float64Array): Keys {
  const keys = emptyKeys(values.length)
  const number = new Float64Array(1)
  const words = new Uint32Array(number.buffer)
  for (let i = 0; i < values.length; i++) {
    // Minus zero becomes zero: they are equal.
    number[0] = values[i]! + 0
    const isNegative = words[1]! >>> 31 === 1
    keys.low[i] = isNegative ? ~words[0]! : words[0]!
    keys.high[i] = isNegative ? ~words[1]! : words[1]! ^ 0x80000000
    keys.row[i] = i
  }
  return keys
}

function valuesOf({ low, high }: Keys): Float64Array {
  const values = new Float64Array(low.length)
  const words = new Uint32Array(values.buffer)
  for (let i = 0; i < low.length; i++) {
    const isNegative = high[i]! >>> 31 === 0
    words[2 * i] = isNegative ? ~low[i]! : low[i]!
    words[2 * i + 1] = isNegative ? ~high[i]! : high[i]! ^ 0x80000000
  }
  return values
}

function emptyKeys(length: number): Keys {
  return { low: new Uint32Array(length), high: new Uint32Array(length), row: new Uint32Array(length) }
}
