import { AppError } from '../core/errors.ts'
import { limit } from '../core/limits.ts'
import { decodeXml, readXml, type XmlEvent } from './read-xml.ts'

export interface TestResult {
  readonly suite: string
  readonly name: string
  /** The test's own file, where the runner says it. */
  readonly file: string
  readonly state: 'passed' | 'failed' | 'error' | 'skipped'
  readonly seconds: number
  /** How often it failed before it ended as it did: the runner tried it again by itself. */
  readonly retries: number
  /** The first line of why; empty for what passed without ado. */
  readonly message: string
  /** The lines that matter, as the runner printed them. */
  readonly detail: string
}

export interface JunitReport {
  readonly results: readonly TestResult[]
  /** Cases beyond the limit, counted and not kept. */
  readonly left: number
  /** Why it cannot be the whole story: it counts other tests than it has. Undefined: all is there. */
  readonly incomplete?: string
}

const MOST_DETAIL = 8_000
const MOST_NAME = 1_000

/**
 * Reads JUnit XML as pytest, unittest, Jest, Go and Maven write it: `testsuites` or one `testsuite`, suites
 * within suites, `testcase` with `failure`, `error` or `skipped`; also the tries that Surefire and others
 * write down when they run a failing test again. A hostile report is an INVALID_INPUT and nothing worse.
 */
export async function parseJunit(text: string): Promise<JunitReport> {
  if (text.length > limit('reportBytes'))
    throw new AppError('TOO_LARGE', `the report is larger than ${limit('reportBytes')} bytes`)
  const reader = new JunitReader()
  for await (const events of readXml(text)) for (const event of events) reader.take(event)
  return reader.report()
}

interface Suite {
  readonly name: string
  readonly declared: { readonly tests: number; readonly bad: number }
  tests: number
  bad: number
}

interface Trouble {
  readonly tag: string
  readonly message: string
  detail: string
}

interface Case {
  readonly suite: string
  readonly name: string
  readonly file: string
  readonly seconds: number
  readonly troubles: Trouble[]
}

/** Tags in a test case, and what they make of it. `flaky…` and `rerun…` are tries before the last. */
const ENDS: ReadonlyMap<string, TestResult['state']> = new Map([
  ['failure', 'failed'],
  ['error', 'error'],
  ['skipped', 'skipped'],
])
const TRIES = new Set(['flakyFailure', 'flakyError', 'rerunFailure', 'rerunError', 'rerun'])

class JunitReader {
  readonly #results: TestResult[] = []
  readonly #places = new Map<string, number>()
  readonly #suites: Suite[] = []
  #case: Case | undefined
  #trouble: Trouble | undefined
  #depth = 0
  #left = 0
  #incomplete: string | undefined

  take(event: XmlEvent): void {
    if (event.kind === 'text') return this.#text(event)
    if (event.kind === 'open') this.#open(event.name, event.attributes)
    else this.#close(event.name)
  }

  report(): JunitReport {
    if (!this.#sawRoot) throw noSuites()
    const incomplete = this.#left > 0 ? `${this.#left} cases are more than are kept` : this.#incomplete
    return { results: this.#results, left: this.#left, ...(incomplete === undefined ? {} : { incomplete }) }
  }

  #sawRoot = false
  #suiteNumber = 0
  /** pytest and Go never have two tests of one name in one suite; for others these may be two tests. */
  #writesTries: 'pytest' | 'go' | undefined

  #open(name: string, attributes: ReadonlyMap<string, string>): void {
    if (this.#depth === 0 && name !== 'testsuites' && name !== 'testsuite') throw noSuites()
    this.#sawRoot = true
    this.#depth += 1
    if (name === 'testsuite') {
      this.#suiteNumber += 1
      this.#suites.push(suiteOf(attributes, this.#suites.at(-1)?.name ?? ''))
    }
    if (name === 'property' && attributes.get('name') === 'go.version') this.#writesTries = 'go'
    if (name === 'testsuites' && attributes.get('name') === 'pytest tests') this.#writesTries = 'pytest'
    if (name === 'testcase') this.#case = caseOf(attributes, this.#suites.at(-1)?.name ?? '')
    else if (this.#case !== undefined && this.#trouble === undefined && (ENDS.has(name) || TRIES.has(name))) {
      this.#trouble = { tag: name, message: wordOf(attributes, 'message'), detail: '' }
    }
  }

  #text({ text, isLiteral }: Extract<XmlEvent, { kind: 'text' }>): void {
    if (this.#trouble === undefined) return
    // Twice as much as is kept, so that entities do not cut into what is.
    const tail = text.slice(-2 * MOST_DETAIL)
    const read = isLiteral ? tail.replaceAll('\0', '') : decodeXml(tail)
    this.#trouble.detail = `${text.length > tail.length ? '…' : ''}${this.#trouble.detail}${read}`.slice(
      -2 * MOST_DETAIL,
    )
  }

  #close(name: string): void {
    this.#depth -= 1
    if (name === this.#trouble?.tag) {
      this.#case?.troubles.push(this.#trouble)
      this.#trouble = undefined
    } else if (name === 'testcase' && this.#case !== undefined) {
      this.#add(resultOf(this.#case))
      this.#case = undefined
    } else if (name === 'testsuite') this.#endSuite(this.#suites.pop())
  }

  #add(result: TestResult): void {
    const suite = this.#suites.at(-1)
    if (suite !== undefined) {
      suite.tests += 1
      if (isBad(result)) suite.bad += 1
    }
    const key = `${this.#suiteNumber}\n${result.suite}\n${result.name}`
    const before = this.#places.get(key)
    const earlier = before === undefined ? undefined : this.#results[before]
    if (before !== undefined && earlier !== undefined && isTryOf(this.#writesTries, earlier, result)) {
      const told = isBad(result) ? result : earlier
      this.#results[before] = { ...result, retries: earlier.retries + 1, message: told.message, detail: told.detail }
      return
    }
    if (this.#results.length >= limit('reportCases')) {
      this.#left += 1
      return
    }
    this.#places.set(key, this.#results.length)
    this.#results.push(result)
  }

  /** An outer suite's numbers include those of its inner ones. */
  #endSuite(suite: Suite | undefined): void {
    if (suite === undefined) return
    const outer = this.#suites.at(-1)
    if (outer !== undefined) {
      outer.tests += suite.tests
      outer.bad += suite.bad
    }
    const { declared, tests, bad, name } = suite
    if (declared.tests > tests) this.#incomplete ??= `suite "${name}" counts ${declared.tests} tests and has ${tests}`
    else if (declared.bad > bad) this.#incomplete ??= `suite "${name}" counts ${declared.bad} failures and has ${bad}`
  }
}

function noSuites(): AppError {
  return new AppError('INVALID_INPUT', 'it has neither <testsuites> nor <testsuite>')
}

function suiteOf(attributes: ReadonlyMap<string, string>, outer: string): Suite {
  const count = (name: string) => Number(attributes.get(name) ?? 0) || 0
  return {
    name: wordOf(attributes, 'name') || outer,
    declared: { tests: count('tests'), bad: count('failures') + count('errors') },
    tests: 0,
    bad: 0,
  }
}

function caseOf(attributes: ReadonlyMap<string, string>, suite: string): Case {
  const file = wordOf(attributes, 'file')
  return {
    suite: wordOf(attributes, 'classname') || file || suite,
    name: wordOf(attributes, 'name'),
    file,
    seconds: secondsOf(attributes.get('time') ?? ''),
    troubles: [],
  }
}

/** No test takes longer than a step may; more, less than nothing, or no number at all would spoil every sum it is in. */
function secondsOf(time: string): number {
  const seconds = Number(time.replaceAll(',', ''))
  return seconds > 0 ? Math.min(seconds, limit('stepTimeoutMs') / 1_000) : 0
}

function resultOf({ troubles, ...common }: Case): TestResult {
  const end = troubles.find(({ tag }) => ENDS.has(tag))
  const tries = troubles.filter(({ tag }) => TRIES.has(tag))
  const told = end ?? tries[0]
  const detail = (told?.detail ?? '').trim()
  const message = firstLine(told?.message ?? '', detail)
  return {
    ...common,
    state: end === undefined ? 'passed' : (ENDS.get(end.tag) ?? 'error'),
    retries: tries.length,
    message: message.slice(0, MOST_NAME),
    detail: tailOf(detail),
  }
}

/**
 * Of two cases of one name the first was a try: pytest-rerunfailures writes one that failed as if it had
 * passed, gotestsum as it was. Two of pytest that went wrong are a test and its teardown.
 */
function isTryOf(runner: 'pytest' | 'go' | undefined, earlier: TestResult, later: TestResult): boolean {
  if (runner === undefined) return false
  if (earlier.state === 'passed') return runner === 'pytest'
  return isBad(earlier) && (later.state === 'passed' || (runner === 'go' && isBad(later)))
}

/** What Go's runner writes around what a test says; its report has "Failed" for a message, and all of it for a detail. */
const GO_MARKS = /^(=== (RUN|PAUSE|CONT|NAME)\b|--- (FAIL|SKIP|PASS): )/

function firstLine(message: string, detail: string): string {
  const said = message === '' || message === 'Failed' ? detail : message
  const lines = said.split('\n').map((line) => line.trim())
  return lines.find((line) => line !== '' && !GO_MARKS.test(line)) ?? message.trim()
}

function isBad({ state }: TestResult): boolean {
  return state === 'failed' || state === 'error'
}

/** The end of an output is where runners say what went wrong. */
function tailOf(detail: string): string {
  return detail.length <= MOST_DETAIL ? detail : `…${detail.slice(-MOST_DETAIL)}`
}

function wordOf(attributes: ReadonlyMap<string, string>, name: string): string {
  return decodeXml((attributes.get(name) ?? '').slice(0, 2 * MOST_NAME)).slice(0, MOST_NAME)
}
