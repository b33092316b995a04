import { open, type FileHandle } from 'node:fs/promises'
import { AppError } from '../core/errors.ts'
import type { RowOutcomes } from './evaluation-result.ts'

/**
 * Outcomes as a file: one line of JSON in which every array of numbers is replaced by its type, length and
 * place, then the arrays as they lie in memory (little end first), each at a multiple of eight bytes. Ten
 * million rows are written and read in about a second; as JSON they would not fit into a string.
 */
export async function writeOutcomes(path: string, outcomes: RowOutcomes): Promise<void> {
  const arrays: Numbers[] = []
  const header = JSON.stringify({ format: FORMAT, outcomes }, (_, value: unknown) => {
    if (!isNumbers(value)) return value
    arrays.push(value)
    return { [PLACE]: arrays.length - 1, type: typeOf(value), length: value.length }
  })
  const file = await open(path, 'w')
  try {
    // Each begins where the last ended. `write` would say nothing of what a disk that gets full did not take.
    await file.writeFile(
      `${header}\n`.padEnd(padded(Buffer.byteLength(header) + 1) - Buffer.byteLength(header) + header.length),
    )
    for (const array of arrays) await writeArray(file, array)
  } finally {
    await file.close()
  }
}

const FORMAT = 'tidegate-outcomes-2'
const PLACE = '$array'

const TYPES = { Uint8Array, Uint32Array, Int32Array, Float64Array } as const
type Numbers = InstanceType<(typeof TYPES)[keyof typeof TYPES]>

function isNumbers(value: unknown): value is Numbers {
  return Object.values(TYPES).some((type) => value instanceof type)
}

function typeOf(array: Numbers): string {
  return array.constructor.name
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}

async function writeArray(file: FileHandle, array: Numbers): Promise<void> {
  await file.writeFile(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  await file.writeFile(new Uint8Array(padded(array.byteLength) - array.byteLength))
}

/** The arrays are views of `bytes`: nothing is copied. */
export function readOutcomes(bytes: Buffer): RowOutcomes {
  const end = bytes.indexOf(10)
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : Buffer.from(Uint8Array.from(bytes).buffer)
  const places = placeArrays(aligned.toString('utf8', 0, end), padded(end + 1))
  const header = JSON.parse(aligned.toString('utf8', 0, end), (_, value: unknown) => {
    if (!isPlace(value)) return value
    const type = TYPES[value.type as keyof typeof TYPES]
    return new type(aligned.buffer as ArrayBuffer, aligned.byteOffset + places[value[PLACE]]!, value.length)
  }) as { format: string; outcomes: RowOutcomes }
  if (header.format !== FORMAT)
    throw new AppError('INVALID_INPUT', 'these outcomes were written by another version. Rerun the evaluation.')
  return header.outcomes
}

interface Place {
  readonly [PLACE]: number
  readonly type: string
  readonly length: number
}

function isPlace(value: unknown): value is Place {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, PLACE)
}

/** Where each array begins, in their order. */
function placeArrays(header: string, first: number): number[] {
  const found: Place[] = []
  JSON.parse(header, (_, value: unknown) => {
    if (isPlace(value)) found[value[PLACE]] = value
    return value
  })
  let at = first
  return found.map(({ type, length }) => {
    const own = at
    at += padded(length * TYPES[type as keyof typeof TYPES].BYTES_PER_ELEMENT)
    return own
  })
}
