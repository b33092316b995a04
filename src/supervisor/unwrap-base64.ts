/** Encoders break lines after 60, 64 or 76 characters: a shorter line is a line. */
const SHORTEST_LINE = 60

const NEWLINE = 10
const RETURN = 13

/** The same bytes without the line breaks that stand within base64. */
export interface Unwrapped {
  readonly bytes: Buffer
  /** Where a byte of the view stands in the original. */
  original(at: number): number
  /** How many characters of base64 stand right before a place of the original, on its line. */
  runBefore(at: number): number
}

/** `run`: how many characters of base64 came right before these bytes, on the same line. */
export function unwrap(bytes: Buffer, run: number): Unwrapped {
  const breaks = findBreaks(bytes, run)
  return {
    bytes: without(bytes, breaks),
    original: (at) => originalOf(at, breaks),
    runBefore: (at) => runBefore(bytes, at, run),
  }
}

interface Break {
  readonly at: number
  readonly length: number
}

function findBreaks(bytes: Buffer, run: number): Break[] {
  const breaks: Break[] = []
  for (let newline = bytes.indexOf(NEWLINE); newline !== -1; newline = bytes.indexOf(NEWLINE, newline + 1)) {
    const at = newline > 0 && bytes[newline - 1] === RETURN ? newline - 1 : newline
    if (runBefore(bytes, at, run) >= SHORTEST_LINE) breaks.push({ at, length: newline + 1 - at })
  }
  // A return whose newline has not come yet.
  const last = bytes.length - 1
  if (bytes[last] === RETURN && runBefore(bytes, last, run) >= SHORTEST_LINE) breaks.push({ at: last, length: 1 })
  return breaks
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
