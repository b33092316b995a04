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

/** File → the lines that this change brought, since what it is compared with; absent: nothing to compare with. */
export type ChangedLines = ReadonlyMap<string, ReadonlySet<number>>

/** File of the commit → line → how often it ran. */
export type FileHits = ReadonlyMap<string, ReadonlyMap<number, number>>

export interface SourcePlace {
  /** Where the tests ran: full paths in reports begin with it. */
  readonly workspace: string | undefined
  /** Every file of the commit. */
  readonly sources: ReadonlySet<string>
}

/** What coverage reports of one step say of the commit's files. Others do not count. */
export function hitsOf(reports: readonly CoverageReport[], place: SourcePlace): FileHits {
  const merged = new Map<string, Map<number, number>>()
  for (const { files } of reports) {
    for (const { path, roots, hits } of files) {
      const source = sourceOf(path, roots, place)
      if (source !== undefined) mergeHits(merged, source, hits)
    }
  }
  return merged
}

/** A line ran when it ran anywhere. */
export function mergeHits(
  merged: Map<string, Map<number, number>>,
  path: string,
  hits: ReadonlyMap<number, number>,
): void {
  const into = merged.get(path) ?? new Map<number, number>()
  for (const [line, count] of hits) into.set(line, Math.max(into.get(line) ?? 0, count))
  merged.set(path, into)
}

export function judgeHits(hits: FileHits, changed: ChangedLines | undefined): Coverage {
  const files = [...hits].map(([path, lines]) => coveredFile(path, lines, changed))
  return {
    ...sum(files),
    ...(changed === undefined ? {} : { changed: sum(files.flatMap(({ changed: own }) => own ?? [])) }),
    files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    uncovered: [...hits]
      .flatMap(([file, lines]) => stretchesOf(file, lines, changed?.get(file)))
      .toSorted(longestFirst),
  }
}

function sourceOf(path: string, roots: readonly string[], { workspace, sources }: SourcePlace): string | undefined {
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

function coveredFile(path: string, hits: ReadonlyMap<number, number>, changed: ChangedLines | undefined): CoveredFile {
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
