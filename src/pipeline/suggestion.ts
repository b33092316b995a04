/** `: did you mean "train"?` for a word that is nearly one of the others, else empty. */
export function didYouMean(word: string, others: Iterable<string>): string {
  const nearest = nearestWord(word, others)
  return nearest === undefined ? '' : `: did you mean "${nearest}"?`
}

/** Names that a file may refer to. */
export interface KnownNames {
  has(word: string): boolean
  /** As `didYouMean`. Nobody reads hundreds of them, and looking takes the words of the file times the names. */
  hint(word: string): string
}

export function knownNames(names: Iterable<string>): KnownNames {
  const all = new Set(names)
  let asked = 0
  return {
    has: (word) => all.has(word),
    hint: (word) => (asked++ < MOST_HINTS ? didYouMean(word, all) : ''),
  }
}

const MOST_HINTS = 50

/** The closest of `others`, unless it takes more than a third of the word's letters to get there. */
export function nearestWord(word: string, others: Iterable<string>): string | undefined {
  const bound = Math.max(1, Math.floor(word.length / 3))
  let best: { other: string; distance: number } | undefined
  for (const other of others) {
    if (Math.abs(other.length - word.length) > bound) continue
    const distance = editDistance(word.toLowerCase(), other.toLowerCase())
    if (distance <= bound && distance < word.length && (best === undefined || distance < best.distance))
      best = { other, distance }
  }
  return best?.other
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row[j] = Math.min(previous[j]! + 1, row[j - 1]! + 1, replace)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) row[j] = Math.min(row[j]!, before[j - 2]! + 1)
    }
    before = previous
    previous = row
  }
  return previous[b.length]!
}
