import { XMLParser } from 'fast-xml-parser'
import { AppError } from '../core/errors.ts'
import { limit } from '../core/limits.ts'

export interface TestResult {
  readonly suite: string
  readonly name: string
  readonly state: 'passed' | 'failed' | 'error' | 'skipped'
  readonly seconds: number
  /** The first line of why; empty for what passed. */
  readonly message: string
  /** The lines that matter, as the runner printed them. */
  readonly detail: string
}

export interface JunitReport {
  readonly results: readonly TestResult[]
  /** Cases beyond the limit, counted and not kept. */
  readonly left: number
}

const MOST_DEPTH = 20
const MOST_DETAIL = 8_000
const MOST_NAME = 1_000

/**
 * Reads JUnit XML as pytest, unittest, Jest, Go and Maven write it: `testsuites` or one `testsuite`, suites
 * within suites, `testcase` with `failure`, `error` or `skipped`. Entities other than XML's own five are not
 * expanded, and depth, size and count are bounded: a hostile report is an INVALID_INPUT and nothing worse.
 */
export function parseJunit(text: string): JunitReport {
  if (text.length > limit('reportBytes'))
    throw new AppError('TOO_LARGE', `the report is larger than ${limit('reportBytes')} bytes`)
  const root = parseXml(text)
  const suites = [...listOf(root['testsuites']), ...listOf(root['testsuite'])]
  if (suites.length === 0) throw new AppError('INVALID_INPUT', 'it has neither <testsuites> nor <testsuite>')
  const cases: TestResult[] = []
  let left = 0
  for (const suite of suites) left += collect(suite, '', cases, 0)
  return { results: cases, left }
}

type Node = Readonly<Record<string, unknown>>

function parseXml(text: string): Node {
  if (declaresType(text)) throw new AppError('INVALID_INPUT', 'it declares a document type, which reports do not need')
  try {
    const parser = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: '@',
      processEntities: true,
      // Named so by the library: numbered characters too, which pytest writes for line ends in messages.
      htmlEntities: true,
      trimValues: false,
      parseTagValue: false,
      parseAttributeValue: false,
    })
    return parser.parse(text, true) as Node
  } catch (error) {
    throw new AppError('INVALID_INPUT', `it is no XML: ${(error as Error).message}`, {}, { cause: error })
  }
}

/** Looks at what stands before the root element only: a test's own output may well speak of doctypes. */
function declaresType(text: string): boolean {
  let at = 0
  while (at < text.length) {
    if (text.startsWith('<!--', at)) at = endOf(text, '-->', at)
    else if (text.startsWith('<?', at)) at = endOf(text, '?>', at)
    else if (text[at] === '<') return text.startsWith('<!', at)
    else at += 1
  }
  return false
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from)
  return found === -1 ? text.length : found + mark.length
}

/** Adds the cases of a suite and of those within it; answers how many there was no room for. */
function collect(suite: Node, outer: string, into: TestResult[], depth: number): number {
  if (depth > MOST_DEPTH) throw new AppError('INVALID_INPUT', `its suites nest deeper than ${MOST_DEPTH}`)
  const name = textOf(suite['@name']) || outer
  let left = 0
  for (const one of listOf(suite['testcase'])) {
    if (into.length < limit('reportCases')) into.push(asResult(one, name))
    else left += 1
  }
  for (const inner of listOf(suite['testsuite'])) left += collect(inner, name, into, depth + 1)
  return left
}

function asResult(one: Node, suite: string): TestResult {
  const name = textOf(one['@name']).slice(0, MOST_NAME)
  const place = textOf(one['@classname']) || textOf(one['@file']) || suite
  const seconds = Number(textOf(one['@time']).replace(',', '')) || 0
  const common = { suite: place.slice(0, MOST_NAME), name, seconds }
  for (const [tag, state] of [
    ['failure', 'failed'],
    ['error', 'error'],
    ['skipped', 'skipped'],
  ] as const) {
    if (!(tag in one)) continue
    const [found] = listOf(one[tag])
    const detail = textOf(found?.['#text'] ?? one[tag])
    const message = (textOf(found?.['@message']) || detail).trim().split('\n')[0] ?? ''
    return { ...common, state, message: message.slice(0, MOST_NAME), detail: tailOf(detail) }
  }
  return { ...common, state: 'passed', message: '', detail: '' }
}

/** The end of an output is where runners say what went wrong. */
function tailOf(detail: string): string {
  const text = detail.trim()
  return text.length <= MOST_DETAIL ? text : `…${text.slice(-MOST_DETAIL)}`
}

function listOf(value: unknown): Node[] {
  const list = Array.isArray(value) ? value : value === undefined ? [] : [value]
  return list.map((item: unknown) => (typeof item === 'object' && item !== null ? (item as Node) : { '#text': item }))
}

/** Without NUL, which XML forbids and Postgres cannot keep in text. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).replaceAll('\0', '') : ''
}
