import { AppError } from '../core/errors.ts'
import { decodeXml, readXml, type XmlEvent } from './read-xml.ts'

/** What a coverage report says of one file. */
export interface FileCoverage {
  /** As the report names it, from the folders it may be below: full paths, or none. */
  readonly path: string
  readonly roots: readonly string[]
  /** Line → how often it ran. */
  readonly hits: ReadonlyMap<number, number>
}

export interface CoverageReport {
  readonly files: readonly FileCoverage[]
}

const MOST_FILES = 20_000
const MOST_LINES = 2_000_000

/**
 * A Cobertura XML or an LCOV file, line by line; files that stand in it several times are one. Bounded, and
 * nothing in it is expanded or followed. Fails with INVALID_INPUT for what is neither.
 */
export async function readCoverage(text: string): Promise<CoverageReport> {
  const found = new Found()
  if (text.trimStart().startsWith('<')) await readCobertura(text, found)
  else readLcov(text, found)
  if (found.files.size === 0)
    throw new AppError('INVALID_INPUT', 'it is neither Cobertura XML nor LCOV, or names no file')
  return { files: [...found.files].map(([path, hits]) => ({ path, roots: found.roots, hits })) }
}

export function countLines(hits: ReadonlyMap<number, number>): { lines: number; covered: number } {
  return { lines: hits.size, covered: [...hits.values()].filter((count) => count > 0).length }
}

class Found {
  readonly files = new Map<string, Map<number, number>>()
  readonly roots: string[] = []
  #lines = 0

  file(path: string): Map<number, number> {
    const hits = this.files.get(path) ?? new Map<number, number>()
    this.files.set(path, hits)
    if (this.files.size > MOST_FILES) throw new AppError('INVALID_INPUT', `it names more than ${MOST_FILES} files`)
    return hits
  }

  add(hits: Map<number, number>, line: number, count: number): void {
    if (!Number.isSafeInteger(line) || line < 1) return
    this.#lines += 1
    if (this.#lines > MOST_LINES) throw new AppError('INVALID_INPUT', `it has more than ${MOST_LINES} lines of code`)
    hits.set(line, Math.max(hits.get(line) ?? 0, Number.isFinite(count) ? count : 0))
  }
}

/** `line` stands below `class` once more below `method`: the same lines, counted once. */
async function readCobertura(text: string, found: Found): Promise<void> {
  let hits: Map<number, number> | undefined
  let isSource = false
  let isRoot = true
  for await (const events of readXml(text)) {
    for (const event of events) {
      if (event.kind === 'text' && isSource) addRoot(event.text, found)
      if (event.kind === 'close') isSource = false
      if (event.kind !== 'open') continue
      if (isRoot && event.name !== 'coverage') throw new AppError('INVALID_INPUT', 'its root is not <coverage>')
      isRoot = false
      isSource = event.name === 'source'
      const path = event.attributes.get('filename')
      if (event.name === 'class' && path !== undefined) hits = found.file(decodeXml(path))
      if (event.name === 'line' && hits !== undefined) addLine(event, hits, found)
    }
  }
}

function addLine({ attributes }: Extract<XmlEvent, { kind: 'open' }>, hits: Map<number, number>, found: Found): void {
  found.add(hits, Number(attributes.get('number')), Number(attributes.get('hits') ?? 0))
}

function addRoot(text: string, found: Found): void {
  const root = decodeXml(text).trim()
  if (root !== '' && found.roots.length < 100) found.roots.push(root)
}

function readLcov(text: string, found: Found): void {
  let hits: Map<number, number> | undefined
  for (const [, kind, rest = ''] of text.matchAll(/^(SF|DA):(.*)$/gm)) {
    if (kind === 'SF') hits = found.file(rest.trim())
    else if (hits !== undefined) {
      const [line = '', count = ''] = rest.split(',')
      found.add(hits, Number(line), Number(count))
    }
  }
}
