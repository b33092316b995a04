/** An array as `numpy.save` writes it, from its magic on. */
export type NpyArray =
  | { readonly kind: 'cut-off' }
  /** A pickle begins after the header, or may. */
  | { readonly kind: 'objects'; readonly start: number }
  /** `end`: where its numbers do; undefined where the header does not say. */
  | { readonly kind: 'plain'; readonly end: number | undefined }

export const ARRAY_MAGIC = '\x93NUMPY'

/** Number, text, time and raw bytes, as `<f8` and `<M8[ns]`. */
const PLAIN = String.raw`'[<>|=]?[?biufcmMSUV]\d*(?:\[\w+\])?'`
const SIZES = String.raw`\([\d, ]*\)`
const FIELD = String.raw`\((?:'[^'\\]*'|"[^"\\]*"), ${PLAIN}(?:, ${SIZES})?\)`
const LONGEST_HEADER = 1 << 20
/** Word for word what NumPy writes of an array without objects. */
const PLAIN_HEADER = new RegExp(
  String.raw`^\{'descr': (${PLAIN}|\[${FIELD}(?:, ${FIELD})*\]), 'fortran_order': (?:True|False), 'shape': (${SIZES}), \} *\n$`,
)

/**
 * An array of objects is a pickle after its header. NumPy evaluates the header as Python, in which objects have
 * many names (`O`, `object`, `\x4f`, `f8,O`): any header but the plain ones is taken for one of objects.
 */
export function readNpyArray(bytes: Buffer, at: number): NpyArray {
  if (bytes.length < at + 12) return { kind: 'cut-off' }
  const isLong = bytes[at + 6]! >= 2
  const first = at + (isLong ? 12 : 10)
  const start = first + (isLong ? bytes.readUInt32LE(at + 8) : bytes.readUInt16LE(at + 8))
  const header = bytes.toString('latin1', first, Math.min(start, first + LONGEST_HEADER))
  const [, type, shape] = PLAIN_HEADER.exec(header) ?? []
  if (type === undefined || shape === undefined) return { kind: 'objects', start }
  const size = itemBytes(type) * countOf(shape)
  if (!Number.isSafeInteger(size)) return { kind: 'plain', end: undefined }
  return start + size > bytes.length ? { kind: 'cut-off' } : { kind: 'plain', end: start + size }
}

/** NaN where it is not said. */
function itemBytes(type: string): number {
  if (!type.startsWith('[')) return bytesOf(type)
  const fields = type.matchAll(new RegExp(String.raw`, (${PLAIN})(?:, (${SIZES}))?\)`, 'g'))
  return fields.reduce((sum, [, item = '', shape]) => sum + bytesOf(item) * countOf(shape ?? '()'), 0)
}

function bytesOf(type: string): number {
  const [, letter = '', digits = ''] = /^'[<>|=]?([?a-zA-Z])(\d*)/.exec(type) ?? []
  if (letter === '?') return 1
  return digits === '' ? NaN : Number(digits) * (letter === 'U' ? 4 : 1)
}

/** `(3, 4)`; `()` is one. */
function countOf(shape: string): number {
  const sizes = shape
    .slice(1, -1)
    .split(',')
    .map((size) => size.trim())
  if (sizes.at(-1) === '') sizes.pop()
  return sizes.reduce((product, size) => product * (/^\d+$/.test(size) ? Number(size) : NaN), 1)
}
