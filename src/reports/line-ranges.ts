/** Line → how often it ran. */
export type LineHits = ReadonlyMap<number, number>

/** `1-3,7;4-6`: lines that ran, then lines that did not. How often is not kept. */
export function writeHits(hits: LineHits): string {
  const lines = [...hits.keys()].toSorted((a, b) => a - b)
  const ran = lines.filter((line) => hits.get(line) !== 0)
  const missed = lines.filter((line) => hits.get(line) === 0)
  return `${ranges(ran)};${ranges(missed)}`
}

function ranges(lines: readonly number[]): string {
  const found: { from: number; to: number }[] = []
  for (const line of lines) {
    const last = found.at(-1)
    if (last !== undefined && line === last.to + 1) last.to = line
    else found.push({ from: line, to: line })
  }
  return found.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(',')
}

export function readHits(text: string): Map<number, number> {
  const [ran = '', missed = ''] = text.split(';')
  return new Map([
    ...linesOf(ran).map((line) => [line, 1] as const),
    ...linesOf(missed).map((line) => [line, 0] as const),
  ])
}

function linesOf(text: string): number[] {
  if (text === '') return []
  return text.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}
