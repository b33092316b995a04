const PERCENT = 37
const PLUS = 43
const BLANK = 32

/** What stands somewhere in bytes. */
export interface Match {
  readonly start: number
  readonly end: number
}

/** Where something is written as URLs have it, in order. Most logs have nothing of it, and nothing more is done for them. */
export interface Escapes {
  /** Each `%` that begins an escape, also one that the end of the bytes cuts off. */
  readonly percents: readonly number[]
  /** And each `+`, which may be a blank. */
  readonly all: readonly number[]
}

export function escapesIn(bytes: Buffer): Escapes {
  const percents: number[] = []
  for (let at = bytes.indexOf(PERCENT); at !== -1; at = bytes.indexOf(PERCENT, at + 1)) {
    if (digitAt(bytes, at + 1) >= 0 && digitAt(bytes, at + 2) >= 0) percents.push(at)
  }
  const pluses: number[] = []
  for (let at = bytes.indexOf(PLUS); at !== -1; at = bytes.indexOf(PLUS, at + 1)) pluses.push(at)
  return { percents, all: pluses.length === 0 ? percents : [...percents, ...pluses].sort((a, b) => a - b) }
}

/** A URL that is a parameter of another is escaped again, and so on: `%2f`, `%252f`, `%25252f`. */
const MOST_TIMES = 3
const LONGEST_ESCAPE = 1 + 2 * MOST_TIMES

/**
 * Needles of which any byte may be written as `%2f`, `%2F`, `%252f` or itself, and a blank as `+`, in whatever mixture:
 * programs differ in what they escape, how often, and in the case of their digits, and people join texts of several.
 */
export function* findEscaped(bytes: Buffer, escapes: Escapes, needles: readonly Buffer[]): Generator<Match> {
  if (escapes.all.length === 0) return
  for (const needle of needles) {
    let next = 0
    for (const escape of thatMatter(escapes, needle)) {
      // Before the first escape each byte of the needle is one byte.
      for (let start = Math.max(next, escape - needle.length + 1); start <= escape; start++) {
        if (!mayBegin(bytes[start], needle)) continue
        const { end } = follow(bytes, start, needle)
        if (end > 0) yield { start, end }
      }
      next = escape + 1
    }
  }
}

/** How many of the last bytes may be the beginning of such a needle. One without any escape yet is not looked for. */
export function escapedBeginningAtEnd(bytes: Buffer, escapes: Escapes, needles: readonly Buffer[]): number {
  if (escapes.all.length === 0) return 0
  let longest = 0
  for (const needle of needles) {
    const last = thatMatter(escapes, needle).at(-1) ?? -1
    const first = Math.max(0, bytes.length - needle.length * LONGEST_ESCAPE + 1)
    for (let start = first; start <= last && bytes.length - start > longest; start++) {
      if (mayBegin(bytes[start], needle) && follow(bytes, start, needle).isOpen) longest = bytes.length - start
    }
  }
  return longest
}

function thatMatter({ percents, all }: Escapes, needle: Buffer): readonly number[] {
  return all === percents || !needle.includes(BLANK) ? percents : all
}

function mayBegin(byte: number | undefined, needle: Buffer): boolean {
  return byte === needle[0] || byte === PERCENT || byte === PLUS
}

/** Where a needle that begins here ends (0: nowhere), and whether it could also be one that the bytes cut off. */
interface Way {
  readonly end: number
  readonly isOpen: boolean
}

const NO_WAY: Way = { end: 0, isOpen: false }
const OPEN_WAY: Way = { end: 0, isOpen: true }

function follow(bytes: Buffer, start: number, needle: Buffer, from = 0): Way {
  let at = start
  for (let index = from; index < needle.length; index++) {
    if (at === bytes.length) return OPEN_WAY
    const wanted = needle[index] ?? 0
    const byte = bytes[at]
    if (byte === PERCENT) return followPercent(bytes, at, needle, index)
    if (byte !== wanted && !(byte === PLUS && wanted === BLANK)) return NO_WAY
    at += 1
  }
  return { end: at, isOpen: false }
}

/** A `%` is one of the needle's own, or begins an escape of one or another length; where it could be several, all ways are gone. */
function followPercent(bytes: Buffer, at: number, needle: Buffer, index: number): Way {
  const wanted = needle[index] ?? 0
  let way = wanted === PERCENT ? follow(bytes, at + 1, needle, index + 1) : NO_WAY
  for (let digits = at + 1, times = 1; times <= MOST_TIMES; digits += 2, times++) {
    if (isWritten(wanted, bytes, digits)) way = either(way, followDigits(bytes, digits, needle, index))
    // The sign itself is escaped, and the digits stand after that.
    if (!isByte(PERCENT, bytes, digits)) break
  }
  return way
}

function either(one: Way, other: Way): Way {
  return { end: Math.max(one.end, other.end), isOpen: one.isOpen || other.isOpen }
}

function followDigits(bytes: Buffer, digits: number, needle: Buffer, index: number): Way {
  return digits + 2 > bytes.length ? OPEN_WAY : follow(bytes, digits + 2, needle, index + 1)
}

/** A blank that became a `+` is escaped as that where it is escaped again. */
function isWritten(wanted: number, bytes: Buffer, digits: number): boolean {
  return isByte(wanted, bytes, digits) || (wanted === BLANK && isByte(PLUS, bytes, digits))
}

function isByte(wanted: number, bytes: Buffer, digits: number): boolean {
  const [high, low] = [digitAt(bytes, digits), digitAt(bytes, digits + 1)]
  return (high === ANY_DIGIT || high === wanted >> 4) && (low === ANY_DIGIT || low === (wanted & 15))
}

/** Of what has not come yet. */
const ANY_DIGIT = 16

/** -1: no digit. */
function digitAt(bytes: Buffer, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) return ANY_DIGIT
  if (byte >= 48 && byte <= 57) return byte - 48
  const letter = byte | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}
