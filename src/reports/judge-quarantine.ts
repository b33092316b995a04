import { testId, testKey } from './quarantine.sql.ts'
import type { TestResult } from './parse-junit.ts'

export interface EndedTests {
  /** The step's command, as the file has it. */
  readonly run: string
  readonly exitCode: number | undefined
  /** Why the command ended as it did was its exit code, and nothing from outside. */
  readonly endedByItself: boolean
  readonly outs: readonly string[]
  /** Each report that the step names: what was read of it, or why it cannot be relied on. */
  readonly reports: readonly ReadReport[]
  readonly results: readonly TestResult[]
  readonly quarantined: ReadonlySet<string>
  /** The end of its log. */
  readonly logTail: string
}

export interface ReadReport {
  readonly path: string
  readonly trouble?: string
}

export type QuarantineVerdict =
  /** Nothing that failed is in quarantine: there is nothing to say. */
  | { readonly kind: 'none' }
  | { readonly kind: 'overlooked'; readonly why: string }
  /** All tests that failed are in quarantine, but something else may have gone wrong. */
  | { readonly kind: 'in-doubt'; readonly why: string }

/**
 * Whether a step that failed did so only by tests in quarantine. In doubt it did not: exit code 1 must come
 * from a runner of which we know that it says "tests failed" by it and writes down every test, and nothing
 * in the report or the log may speak of anything else.
 */
export function judgeQuarantine(ended: EndedTests): QuarantineVerdict {
  const failed = ended.results.filter(({ state }) => state === 'failed' || state === 'error')
  const inQuarantine = failed.filter((test) => ended.quarantined.has(testKey(test)))
  if (inQuarantine.length === 0 || inQuarantine.length < failed.length) return { kind: 'none' }
  const doubt = doubtOf(ended)
  if (doubt !== undefined) return { kind: 'in-doubt', why: `only tests in quarantine failed, but ${doubt}` }
  const names = inQuarantine.slice(0, 3).map(testId).join(', ')
  const more = inQuarantine.length > 3 ? ` and ${inQuarantine.length - 3} more` : ''
  return { kind: 'overlooked', why: `only tests in quarantine failed: ${names}${more}` }
}

function doubtOf(ended: EndedTests): string | undefined {
  if (!ended.endedByItself) return 'the command did not end by itself'
  if (ended.exitCode !== 1) return `exit code ${ended.exitCode ?? 'unknown'} says more than that tests failed`
  const broken = ended.reports.find(({ trouble }) => trouble !== undefined)
  if (broken !== undefined) return `${broken.path} ${broken.trouble}`
  if (ended.outs.length > 0) return `the step has outs, which a failing command does not bring`
  return doubtOfCommand(ended) ?? doubtOfLog(ended.logTail)
}

const PYTHON_RUNNER =
  /^(?:uv run |poetry run )?(?:coverage run (?:\S+ )*?-m |python(?:3(?:\.\d+)?)? -m )?(pytest|py\.test|xmlrunner|unittest)\b/

/** Commands before the last that fail leave no report; with `sh -e` those after one that fails do not run. */
function doubtOfCommand({ run, reports }: EndedTests): string | undefined {
  const commands = run
    .replaceAll(/\\\n/g, ' ')
    .split(/\n|;|&&|\|\||\||&/)
    .map((command) => command.trim().replace(/^(?:[A-Za-z_]\w*=\S*\s+)+/, ''))
    .filter((command) => command !== '' && !command.startsWith('#'))
  const last = commands.at(-1) ?? ''
  if (/\|\||[^|]\|[^|]|[^&]&(?!&)/.test(run)) return 'the exit code of a pipe is not the runner’s alone'
  if (!PYTHON_RUNNER.test(last))
    return 'the last command is neither pytest nor unittest, whose exit code and report are known to tell everything'
  const elsewhere = commands.slice(0, -1).filter((command) => PYTHON_RUNNER.test(command))
  if (elsewhere.length > 0) return 'the command runs tests more than once, and an earlier failure skips the rest'
  if (commands.length > 1 && !reports.every(({ path }) => last.includes(path)))
    return 'the last command does not name every report'
  return undefined
}

const OTHER_TROUBLE = [
  /stopping after \d+ failures?/,
  /Interrupted: /,
  /INTERNALERROR/,
  /Required test coverage of \S+ not reached/,
  /Coverage failure: /,
  /worker '\w+' crashed/,
]

function doubtOfLog(tail: string): string | undefined {
  const found = OTHER_TROUBLE.map((pattern) => pattern.exec(tail)?.[0]).find((text) => text !== undefined)
  return found === undefined ? undefined : `the log says "${found}"`
}
