import type { Datatype } from '../../../core/bundle.ts'
import { ARRAYS } from '../../../core/tensor-arrays.ts'

const KNOWN = new Set<string>([...Object.keys(ARRAYS), 'BYTES'])

export function isDatatype(text: unknown): text is Datatype {
  return typeof text === 'string' && KNOWN.has(text)
}

/** The number of elements, or undefined for a shape that is none: not whole, negative, or past what is countable. */
export function elementCount(shape: readonly unknown[]): number | undefined {
  let count = 1
  for (const dimension of shape) {
    if (typeof dimension !== 'number' || !Number.isSafeInteger(dimension) || dimension < 0) return undefined
    count *= dimension
    if (!Number.isSafeInteger(count)) return undefined
  }
  return count
}
