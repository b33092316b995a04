import type { Value } from './pickle-value.ts'

/** What stands in the stream in place of an array: its bytes, padding included, or a pickle of its objects. */
export type ArrayContent = { readonly kind: 'bytes'; readonly bytes: number } | { readonly kind: 'pickle' }

/** Undefined where the wrapper's state does not say. */
export function arrayBytes(bytes: Buffer, at: number, state: Value): ArrayContent | undefined {
  if (state.kind !== 'dict') return undefined
  const count = countOf(state.entries.get('shape'))
  const item = itemSize(state.entries.get('dtype'))
  if (count === undefined || item === undefined) return undefined
  if (item === 'objects') return { kind: 'pickle' }
  const isAligned = (state.entries.get('numpy_array_alignment_bytes')?.kind ?? 'none') !== 'none'
  const padding = isAligned ? 1 + (bytes[at] ?? 0) : 0
  return { kind: 'bytes', bytes: padding + count * item }
}

function countOf(shape: Value | undefined): number | undefined {
  if (shape?.kind !== 'tuple') return undefined
  let count = 1
  for (const size of shape.items) {
    if (size.kind !== 'number' || size.value < 0) return undefined
    count *= size.value
  }
  return Number.isSafeInteger(count) ? count : undefined
}

/** `numpy.dtype('f8', False, True)` */
function itemSize(dtype: Value | undefined): number | 'objects' | undefined {
  if (dtype?.kind !== 'made' || dtype.by !== 'numpy.dtype' || dtype.args.kind !== 'tuple') return undefined
  const code = dtype.args.items[0]
  if (code?.kind !== 'text') return undefined
  const [, letter = '', digits = ''] = /^[<>|=]?([a-zA-Z])(\d+)(?:\[.*\])?$/.exec(code.value) ?? []
  if (letter === '') return undefined
  if (letter === 'V') return isPlainRecord(dtype.state) ? Number(digits) : undefined
  if (letter === 'O') return 'objects'
  return Number(digits) * (letter === 'U' ? 4 : 1)
}

/** The state of a record's dtype: (3, '|', None, names, fields, size, alignment, flags). Its fields may be objects. */
function isPlainRecord(state: Value | undefined): boolean {
  if (state === undefined) return true
  if (state.kind !== 'tuple' || state.items[2]?.kind !== 'none') return false
  const fields = state.items[4]
  if (fields?.kind === 'none') return true
  if (fields?.kind !== 'dict') return false
  return [...fields.entries.values()].every((field) => {
    const size = field.kind === 'tuple' ? itemSize(field.items[0]) : undefined
    return typeof size === 'number'
  })
}
