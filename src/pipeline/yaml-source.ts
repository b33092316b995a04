import { Composer, Lexer, Parser, type CST, type Document } from 'yaml'
import { limit } from '../core/limits.ts'
import type { Problem } from '../core/problem.ts'
import { formatPath, type Path } from './path.ts'
import { offsetInside } from './offset-inside.ts'
import { plainValue, type BecomesText, type Place } from './yaml-value.ts'

/** A YAML text as a plain value, knowing where in the text each part of it stands. */
export interface YamlSource {
  readonly file: string
  /** Plain JSON values; undefined where the text is no YAML at all. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** Makes a problem at a path; a path that is not in the text is placed at its nearest parent that is. */
  readonly problemAt: (path: Path, message: string, options?: ProblemOptions) => Problem
}

interface ProblemOptions {
  /** Point at the key rather than at its value. */
  readonly at?: 'key' | 'value'
  readonly severity?: Problem['severity']
  /** Point into the value, at this character of its text; at the value's start where the file has it in another form. */
  readonly inside?: PlaceInText
}

export interface PlaceInText {
  readonly text: string
  readonly at: number
}

/**
 * Reads YAML without ever throwing, within the limits on size, nesting and aliases: a short text can
 * otherwise stand for gigabytes, and deep nesting overflows the composer's stack.
 */
export function readYaml(text: string, file: string, becomesText?: BecomesText): YamlSource {
  const lines = lineStarts(text)
  const places = new Map<string, Place>()
  const problems: Problem[] = []
  const report = (path: Path, offset: number, message: string) => {
    problems.push({ file, ...positionIn(lines, text, offset), path: formatPath(path), message, severity: 'error' })
  }
  const value = read(text, places, report, becomesText)
  return {
    file,
    value,
    problems,
    problemAt: (path, message, options = {}) => {
      const place = nearestPlace(places, path)
      const start = (options.at === 'key' ? place?.key : undefined) ?? place?.value ?? 0
      const offset = (options.inside === undefined ? undefined : offsetInside(text, start, options.inside)) ?? start
      const severity = options.severity ?? 'error'
      return { file, ...positionIn(lines, text, offset), path: formatPath(path), message, severity }
    },
  }
}

type Report = (path: Path, offset: number, message: string) => void

function read(text: string, places: Map<string, Place>, report: Report, becomesText?: BecomesText): unknown {
  const bytes = Buffer.byteLength(text)
  if (bytes > limit('pipelineFileBytes')) {
    const most = limit('pipelineFileBytes')
    report(
      [],
      0,
      `the file has ${bytes} bytes, and may have ${most}: put long scripts and lists into files of their own`,
    )
    return undefined
  }
  const noText = notText(text)
  if (noText !== undefined) {
    report([], noText.offset, noText.message)
    return undefined
  }
  const tokens = tokenize(text)
  if (tokens.tooDeepAt !== undefined) {
    report([], tokens.tooDeepAt, `nested deeper than ${limit('yamlDepth')} levels`)
    return undefined
  }
  const documents = compose(tokens.tokens, text)
  const [document, second] = documents
  for (const error of documents.flatMap(({ errors }) => errors)) {
    report([], error.pos[0], `this is not YAML: ${error.message}`)
  }
  if (second?.contents != null) report([], second.range[0], 'write one document: nothing after `---`')
  if (document === undefined || document.errors.length > 0 || second !== undefined) return undefined
  return plainValue(document.contents, places, report, becomesText)
}

/** UTF-16 begins with bytes that are none, or every second one is 0; U+FFFD is what a wrong byte is read as. */
function notText(text: string): { offset: number; message: string } | undefined {
  if (text.startsWith('\uFFFD') || text[0] === '\0' || text[1] === '\0') {
    return { offset: 0, message: 'this is no text in UTF-8: save the file in that encoding' }
  }
  const offset = text.search(/[\0\uFFFD]/)
  if (offset < 0) return undefined
  const what =
    text[offset] === '\0'
      ? 'a character NUL stands here: take it out'
      : 'this is not in UTF-8: save the file in that encoding'
  return { offset, message: what }
}

/** The token level needs no stack of its own, so this is where nesting is bounded. */
function tokenize(text: string): { tokens: CST.Token[]; tooDeepAt?: number } {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme))
    // A nested collection is on the stack with a scalar and the document around it.
    if (parser.stack.length > limit('yamlDepth') + 2) return { tokens, tooDeepAt: parser.offset - lexeme.length }
  }
  tokens.push(...parser.end())
  return { tokens }
}

function compose(tokens: CST.Token[], text: string): Document.Parsed[] {
  // Duplicate keys are found by `plainValue`: the composer's own check takes quadratic time.
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, logLevel: 'silent' })
  return [...composer.compose(tokens, true, text.length)]
}

/** The offset of each line's first character; our own, because the parser loses count in broken text. */
function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function positionIn(lines: readonly number[], text: string, offset: number): { line: number; column: number } {
  const at = Math.min(Math.max(offset, 0), text.length)
  let low = 0
  let high = lines.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((lines[middle] ?? 0) <= at) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: at - (lines[low] ?? 0) + 1 }
}

function nearestPlace(places: ReadonlyMap<string, Place>, path: Path): Place | undefined {
  for (let length = path.length; length >= 0; length--) {
    const place = places.get(formatPath(path.slice(0, length)))
    if (place !== undefined) return length === path.length ? place : { value: place.key ?? place.value }
  }
  return undefined
}
