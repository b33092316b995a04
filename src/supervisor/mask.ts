import { secretNeedles, type Needles } from './secret-needles.ts'
import { endingsOf, NOTHING_BEFORE, unwrap, type Unwrapped } from './unwrap.ts'
import { escapedBeginningAtEnd, escapesIn, findEscaped, type Escapes, type Match } from './url-escapes.ts'

const STARS = Buffer.from('***')
const PERCENT = 0x25

/** Blanks secrets out of a stream of bytes, wherever the stream is cut. */
export interface Masker {
  /**
   * What can be shown by now. Holds back an end that may be the beginning of a secret, and nothing else. A percent sign
   * alone is shown: progress bars end with it, and it says nothing of the secret that may begin with it in a URL.
   */
  push(chunk: Buffer): Buffer
  /** The rest: nothing follows that could complete it. */
  end(): Buffer
  /** One text, apart from the stream. */
  text(text: string): string
}

export function createMasker(secrets: Iterable<string>): Masker {
  return maskWith(secretNeedles(secrets))
}

function maskWith(needles: Needles): Masker {
  const isIdle = needles.plain.length === 0 && needles.wrapped.length === 0
  // `held` is not shown yet; its first `covered` bytes belong to a secret whose stars were shown already.
  let held: Buffer = Buffer.alloc(0)
  let covered = 0
  // Its first bytes that were shown already: a percent sign, or none.
  let shownBefore = 0
  const endings = endingsOf(needles.wrapped)
  // What stands before `held`.
  let before = NOTHING_BEFORE

  function push(chunk: Buffer): Buffer {
    if (isIdle) return chunk
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    const look = lookAt(bytes)
    const shown = show(look, bytes.length - heldBack(look, needles))
    if (held.length !== 1 || held[0] !== PERCENT || covered > 0 || shownBefore > 0) return shown
    shownBefore = 1
    return Buffer.concat([shown, held])
  }

  function show(look: Look, until: number): Buffer {
    const { bytes, view } = look
    const shown: Buffer[] = []
    let end = covered
    let at = Math.min(Math.max(covered, shownBefore), until)
    for (const match of findAll(look, needles)) {
      if (match.start >= until) break
      if (match.start >= end) shown.push(bytes.subarray(at, Math.max(at, match.start)), STARS)
      end = Math.max(end, match.end)
      at = Math.max(at, Math.min(end, until))
    }
    shown.push(bytes.subarray(at, until))
    held = Buffer.from(bytes.subarray(until))
    covered = Math.max(0, end - until)
    shownBefore = Math.max(0, shownBefore - until)
    before = view.before(until)
    return shown.length === 1 && shown[0] ? shown[0] : Buffer.concat(shown)
  }

  const lookAt = (bytes: Buffer): Look => ({
    bytes,
    view: unwrap(bytes, before, endings),
    escapes: escapesIn(bytes),
  })

  return {
    push,
    end: () => show(lookAt(held), held.length),
    text(text) {
      const masker = maskWith(needles)
      return Buffer.concat([masker.push(Buffer.from(text)), masker.end()]).toString('utf8')
    },
  }
}

interface Look {
  readonly bytes: Buffer
  readonly view: Unwrapped
  readonly escapes: Escapes
}

/** By where they start. They may overlap. */
function findAll({ bytes, view, escapes }: Look, { plain, escaped, wrapped }: Needles): Match[] {
  const matches = [...findIn(bytes, plain), ...findEscaped(bytes, escapes, escaped)]
  for (const { start, end } of findIn(view.bytes, wrapped)) {
    matches.push({ start: view.original(start), end: view.original(end - 1) + 1 })
  }
  return matches.sort((a, b) => a.start - b.start)
}

function* findIn(bytes: Buffer, needles: readonly Buffer[]): Generator<Match> {
  for (const needle of needles) {
    for (let start = bytes.indexOf(needle); start !== -1; start = bytes.indexOf(needle, start + 1)) {
      yield { start, end: start + needle.length }
    }
  }
}

/** How many of the last bytes may be the beginning, but are not the whole, of a needle. */
function heldBack({ bytes, view, escapes }: Look, { plain, escaped, wrapped }: Needles): number {
  const inView = longestBeginningAtEnd(view.bytes, wrapped)
  const fromView = inView === 0 ? 0 : bytes.length - view.original(view.bytes.length - inView)
  const inEscapes = escapedBeginningAtEnd(bytes, escapes, escaped)
  return Math.max(longestBeginningAtEnd(bytes, plain), inEscapes, fromView)
}

function longestBeginningAtEnd(bytes: Buffer, needles: readonly Buffer[]): number {
  let longest = 0
  for (const needle of needles) {
    for (let length = Math.min(needle.length - 1, bytes.length); length > longest; length--) {
      const start = bytes.length - length
      if (bytes[start] === needle[0] && bytes.compare(needle, 0, length, start) === 0) longest = length
    }
  }
  return longest
}
