import { posix } from 'node:path'
import { countLines, type CoverageReport } from './read-coverage.ts'

export interface CoveredFile {
  readonly path: string
  readonly lines: number
  readonly covered: number
  /** Of the lines that the change brought; absent where there is nothing to compare with. */
  readonly changed?: { readonly lines: number; readonly covered: number }
}

export interface Coverage {
  readonly lines: number
  readonly covered: number
  readonly changed?: { readonly lines: number; readonly covered: number }
  readonly files: readonly CoveredFile[]
  /** Stretches of changed lines that no test ran, the longest first. */
  readonly uncovered: readonly Stretch[]
}

export interface Stretch {
  readonly file: string
  readonly from: number
  readonly to: number
}

export interface CoveragePlace {
  /** Where the tests ran: full paths in reports begin with it. */
  readonly workspace: string | undefined
  /** Every file of the commit. */
  readonly sources: ReadonlySet<string>
  /** File → the lines that this change brought, since what it is compared with; absent: nothing to compare with. */
  readonly changed?: ReadonlyMap<string, ReadonlySet<number>>
}

/** What coverage reports of one step mean for the commit. Files that are not of the commit do not count. */
export function judgeCoverage(reports: readonly CoverageReport[], place: CoveragePlace): Coverage {
  const merged = new Map<string, Map<number, number>>()
  for (const { files } of reports) {
    for (const { path, roots, hits } of files) {
      const source = sourceOf(path, roots, place)
      if (source === undefined) continue
      const into = merged.get(source) ?? new Map<number, number>()
      for (const [line, count] of hits) into.set(line, Math.max(into.get(line) ?? 0, count))
      merged.set(source, into)
    }
  }
  const files = [...merged].map(([path, hits]) => coveredFile(path, hits, place.changed))
  const isCompared = place.changed !== undefined
  return {
    ...sum(files),
    ...(isCompared ? { changed: sum(files.flatMap(({ changed }) => changed ?? [])) } : {}),
    files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    uncovered: [...merged]
      .flatMap(([file, hits]) => stretchesOf(file, hits, place.changed?.get(file)))
      .toSorted(longestFirst),
  }
}

function sourceOf(path: string, roots: readonly string[], { workspace, sources }: CoveragePlace): string | undefined {
  const candidates = [path, ...roots.map((root) => posix.join(root, path))]
  for (const candidate of candidates) {
    const inside =
      workspace !== undefined && candidate.startsWith(`${workspace}/`)
        ? candidate.slice(workspace.length + 1)
        : candidate
    const plain = posix.normalize(inside).replace(/^\.\//, '')
    if (sources.has(plain)) return plain
  }
  return undefined
}

function coveredFile(path: string, hits: ReadonlyMap<number, number>, changed: CoveragePlace['changed']): CoveredFile {
  if (changed === undefined) return { path, ...countLines(hits) }
  const lines = changed.get(path) ?? new Set<number>()
  const own = new Map([...hits].filter(([line]) => lines.has(line)))
  return { path, ...countLines(hits), changed: countLines(own) }
}

function sum(parts: readonly { readonly lines: number; readonly covered: number }[]) {
  return {
    lines: parts.reduce((total, part) => total + part.lines, 0),
    covered: parts.reduce((total, part) => total + part.covered, 0),
  }
}

/** Lines that hold no code, between two that did not run, do not end a stretch. */
function stretchesOf(
  file: string,
  hits: ReadonlyMap<number, number>,
  changed: ReadonlySet<number> | undefined,
): Stretch[] {
  const stretches: { file: string; from: number; to: number }[] = []
  let isOpen = false
  for (const [line, count] of [...hits].toSorted(([a], [b]) => a - b)) {
    const isMissing = count === 0 && changed?.has(line) === true
    const last = stretches.at(-1)
    if (isMissing && isOpen && last !== undefined) last.to = line
    else if (isMissing) stretches.push({ file, from: line, to: line })
    isOpen = isMissing
  }
  return stretches
}

function longestFirst(a: Stretch, b: Stretch): number {
  return b.to - b.from - (a.to - a.from) || (a.file < b.file ? -1 : a.file > b.file ? 1 : a.from - b.from)
}
