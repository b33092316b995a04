/** Encoders break lines after 60, 64 or 76 characters: a shorter line is a line. */
const SHORTEST_LINE = 60

/** Of a broken text that is looked for, so many characters must stand before the break. */
const SHORTEST_BEGINNING = 4

const NEWLINE = 10
const RETURN = 13
const BLANK = 32
const TAB = 9

/** What came right before some bytes: as much of it as matters. */
export interface Before {
  /** How many characters of base64, on the same line. */
  readonly run: number
  /** The last few bytes. */
  readonly tail: Buffer
}

export const NOTHING_BEFORE: Before = { run: 0, tail: Buffer.alloc(0) }

/**
 * The same bytes without the line breaks that stand within base64, or within what is looked for: terminals and
 * `textwrap` break a long token wherever a line is full, and indent its rest.
 */
export interface Unwrapped {
  readonly bytes: Buffer
  /** Where a byte of the view stands in the original. */
  original(at: number): number
  /** What comes right before a place of the original. */
  before(at: number): Before
}

/** `endings`: what stands before a break within what is looked for (`endingsOf`). */
export function unwrap(bytes: Buffer, before: Before, endings: ReadonlySet<number>): Unwrapped {
  const breaks = findBreaks(bytes, before, endings)
  return {
    bytes: without(bytes, breaks),
    original: (at) => originalOf(at, breaks),
    before: (at) => ({ run: runBefore(bytes, at, before.run), tail: tailBefore(bytes, at, before.tail) }),
  }
}

/** Every four characters that follow one another in these texts, each four as a number. */
export function endingsOf(texts: readonly Buffer[]): Set<number> {
  const endings = new Set<number>()
  for (const text of texts)
    for (let at = 0; at + SHORTEST_BEGINNING < text.length; at++) endings.add(text.readUInt32BE(at))
  return endings
}

interface Break {
  readonly at: number
  readonly length: number
}

function findBreaks(bytes: Buffer, before: Before, endings: ReadonlySet<number>): Break[] {
  const breaks: Break[] = []
  for (let newline = bytes.indexOf(NEWLINE); newline !== -1; newline = bytes.indexOf(NEWLINE, newline + 1)) {
    const at = newline > 0 && bytes[newline - 1] === RETURN ? newline - 1 : newline
    if (isWithin(bytes, at, before, endings)) breaks.push({ at, length: afterBlanks(bytes, newline + 1) - at })
  }
  // A return whose newline has not come yet.
  const last = bytes.length - 1
  if (bytes[last] === RETURN && isWithin(bytes, last, before, endings)) breaks.push({ at: last, length: 1 })
  return breaks
}

/** Whether a line that ends here may go on with the next one. */
function isWithin(bytes: Buffer, at: number, before: Before, endings: ReadonlySet<number>): boolean {
  if (runBefore(bytes, at, before.run) >= SHORTEST_LINE) return true
  const tail = at >= SHORTEST_BEGINNING ? bytes : tailBefore(bytes, at, before.tail)
  const end = tail === bytes ? at : tail.length
  return end >= SHORTEST_BEGINNING && endings.has(tail.readUInt32BE(end - SHORTEST_BEGINNING))
}

function tailBefore(bytes: Buffer, at: number, tail: Buffer): Buffer {
  const own = bytes.subarray(Math.max(0, at - SHORTEST_BEGINNING), at)
  return Buffer.concat([tail, own]).subarray(-SHORTEST_BEGINNING)
}

function afterBlanks(bytes: Buffer, from: number): number {
  let at = from
  while (bytes[at] === BLANK || bytes[at] === TAB) at += 1
  return at
}

/** Counts no further than it matters. */
function runBefore(bytes: Buffer, at: number, run: number): number {
  let length = 0
  while (length < SHORTEST_LINE && length < at && isBase64(bytes[at - 1 - length])) length += 1
  return length === at ? Math.min(SHORTEST_LINE, length + run) : length
}

/** Letters, digits, and the marks of both alphabets. */
function isBase64(byte = 0): boolean {
  return (
    (byte >= 97 && byte <= 122) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 47 && byte <= 57) ||
    byte === 43 ||
    byte === 45 ||
    byte === 95
  )
}

function without(bytes: Buffer, breaks: readonly Break[]): Buffer {
  if (breaks.length === 0) return bytes
  const parts: Buffer[] = []
  let from = 0
  for (const { at, length } of breaks) {
    parts.push(bytes.subarray(from, at))
    from = at + length
  }
  return Buffer.concat([...parts, bytes.subarray(from)])
}

function originalOf(at: number, breaks: readonly Break[]): number {
  let place = at
  for (const { at: breakAt, length } of breaks) {
    if (place < breakAt) break
    place += length
  }
  return place
}
