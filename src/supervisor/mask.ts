import { secretNeedles } from './secret-needles.ts'

const STARS = Buffer.from('***')

/** Blanks secrets out of a stream of bytes, wherever the stream is cut. */
export interface Masker {
  /** What can be shown by now. Holds back an end that may be the beginning of a secret, and nothing else. */
  push(chunk: Buffer): Buffer
  /** The rest: nothing follows that could complete it. */
  end(): Buffer
  /** One text, apart from the stream. */
  text(text: string): string
}

export function createMasker(secrets: Iterable<string>): Masker {
  const needles = secretNeedles(secrets)
  // `held` is not shown yet; its first `covered` bytes belong to a secret whose stars were shown already.
  let held: Buffer = Buffer.alloc(0)
  let covered = 0

  function push(chunk: Buffer): Buffer {
    if (needles.length === 0) return chunk
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    return show(bytes, bytes.length - longestBeginningAtEnd(bytes, needles))
  }

  function show(bytes: Buffer, until: number): Buffer {
    const shown: Buffer[] = []
    let end = covered
    let at = Math.min(covered, until)
    for (const match of findAll(bytes, needles)) {
      if (match.start >= until) break
      if (match.start >= end) shown.push(bytes.subarray(at, match.start), STARS)
      end = Math.max(end, match.end)
      at = Math.min(end, until)
    }
    shown.push(bytes.subarray(at, until))
    held = Buffer.from(bytes.subarray(until))
    covered = Math.max(0, end - until)
    return shown.length === 1 && shown[0] ? shown[0] : Buffer.concat(shown)
  }

  return {
    push,
    end: () => show(held, held.length),
    text(text) {
      const masker = createMasker(secrets)
      return Buffer.concat([masker.push(Buffer.from(text)), masker.end()]).toString('utf8')
    },
  }
}

interface Match {
  readonly start: number
  readonly end: number
}

/** By where they start. They may overlap. */
function findAll(bytes: Buffer, needles: readonly Buffer[]): Match[] {
  const matches: Match[] = []
  for (const needle of needles) {
    for (let start = bytes.indexOf(needle); start !== -1; start = bytes.indexOf(needle, start + 1)) {
      matches.push({ start, end: start + needle.length })
    }
  }
  return matches.sort((a, b) => a.start - b.start)
}

/** How many of the last bytes are the beginning, but not the whole, of a needle. */
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
