import type { Command } from 'commander'
import {
  getTest,
  type KnownTest,
  listTestedRuns,
  listTests,
  quarantineTest,
  releaseTest,
  type TestChoice,
  type TestDetail,
  type TestedRun,
} from '../../api/tests.ts'
import { AppError } from '../../core/errors.ts'
import { openClient, type GlobalOptions } from '../context.ts'
import { print, table, time } from '../print.ts'
import { wholeNumber } from '../whole-number.ts'

interface ListOptions {
  readonly flaky?: boolean
  readonly slow?: boolean
  readonly failing?: boolean
  readonly failingMost?: boolean
  readonly search: string
  readonly quarantined?: boolean
  readonly limit: number
}

/** What runs have reported of each single test, and what to do about one that fails for no reason. */
export function registerTests(program: Command): void {
  const tests = program.command('tests').description('single tests of a project over its runs')
  tests
    .command('list <project>', { isDefault: true })
    .description('all, or those that fail, are flaky, are slow, or are in quarantine; `list` may be left out')
    .option('--failing', 'those whose last run failed')
    .option('--failing-most', 'those that failed in most runs')
    .option('--flaky', 'those that failed and passed on the same commit')
    .option('--slow', 'the slowest')
    .option('--quarantined', 'those whose failing is overlooked, and why')
    .option('--search <text>', 'those with this in suite::name', '')
    .option('-n, --limit <count>', 'how many; at most 200', wholeNumber(1, 200), 50)
    .action(async (project: string, options: ListOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const query = { only: choiceOf(options), search: options.search, limit: options.limit } as const
      print(globals, await client.call(listTests, { params: { project }, query }), describeList)
    })
  tests
    .command('runs <project>')
    .description('what became of all tests of each of the last runs, and how long they took together')
    .option('-n, --limit <count>', 'how many; at most 200', wholeNumber(1, 200), 20)
    .action(async (project: string, { limit }: { limit: number }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(listTestedRuns, { params: { project }, query: { limit } }), describeRuns)
    })
  tests
    .command('show <project> <test>')
    .description('one test: its last runs, how long they took, and when it was flaky')
    .action(async (project: string, test: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(getTest, { params: { project }, query: { test } }), describeTest)
    })
  tests
    .command('quarantine <project> <test>')
    .description('let a test fail without failing its step: it runs and is reported as before')
    .requiredOption('--reason <text>', 'why; people read it beside the test')
    .option('--until <time>', 'a date (2027-01-31) or days from now (14d)', '30d')
    .action(async (project: string, test: string, options: { reason: string; until: string }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const body = { test, reason: options.reason, until: parseUntil(options.until) }
      print(
        globals,
        await client.call(quarantineTest, { params: { project }, body }),
        (known) => `${known.test} is in quarantine until ${time(known.quarantine?.until ?? null)}.`,
      )
    })
  tests
    .command('release <project> <test>')
    .description('end the quarantine of a test')
    .action(async (project: string, test: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(
        globals,
        await client.call(releaseTest, { params: { project }, body: { test } }),
        (known) => `${known.test} counts again.`,
      )
    })
}

function choiceOf(options: ListOptions): TestChoice {
  const given = {
    failing: options.failing,
    'failing-most': options.failingMost,
    flaky: options.flaky,
    slow: options.slow,
    quarantined: options.quarantined,
  }
  const chosen = (Object.keys(given) as (keyof typeof given)[]).filter((name) => given[name] === true)
  if (chosen.length > 1)
    throw new AppError('INVALID_INPUT', `Choose one of ${chosen.map((name) => `--${name}`).join(' and ')}.`)
  return chosen[0] ?? 'all'
}

function parseUntil(text: string): number {
  const [, days] = /^(\d{1,3})d$/.exec(text) ?? []
  const at = days === undefined ? Date.parse(text) : Date.now() + Number(days) * 24 * 3_600_000
  if (Number.isFinite(at)) return at
  throw new AppError('INVALID_INPUT', `--until ${text} is no time. Write a date (2027-01-31) or days (14d).`)
}

function describeList({ tests }: { tests: readonly KnownTest[] }): string {
  if (tests.length === 0) return 'No tests. Steps with `reports: { junit: … }` bring them in.'
  return table([
    ['test', 'last', 'took', 'runs', 'failed', 'flaky', 'quarantine'],
    ...tests.map((one) => [
      one.test,
      one.state,
      took(one.seconds),
      String(one.runs),
      String(one.failures),
      String(one.flakes),
      describeQuarantine(one.quarantine),
    ]),
  ])
}

function describeRuns({ runs }: { readonly runs: readonly TestedRun[] }): string {
  if (runs.length === 0) return 'No tests. Steps with `reports: { junit: … }` bring them in.'
  return table([
    ['run', 'branch', 'commit', 'passed', 'failed', 'in quarantine', 'skipped', 'took', 'when'],
    ...runs.map((one) => [
      one.run,
      one.branch,
      one.commit.slice(0, 10),
      String(one.passed),
      String(one.failed),
      String(one.quarantined),
      String(one.skipped),
      took(one.seconds),
      time(one.at),
    ]),
  ])
}

function describeQuarantine(quarantine: KnownTest['quarantine']): string {
  if (quarantine === null) return ''
  const until = new Date(quarantine.until).toISOString().slice(0, 10)
  return `${quarantine.isOver ? 'was over on' : 'until'} ${until}: ${quarantine.reason} (${quarantine.person})`
}

function describeTest(test: TestDetail): string {
  const { history, flaky } = test
  const parts = [
    `${test.test}  ${test.state}, ${test.failures} of ${test.runs} runs failed since ${new Date(test.firstAt).toISOString().slice(0, 10)}`,
    describeTrend(history.filter(({ state }) => state !== 'skipped').map(({ seconds }) => seconds)),
  ]
  if (test.quarantine !== null) parts.push(`in quarantine ${describeQuarantine(test.quarantine)}`)
  if (flaky.length > 0)
    parts.push(
      table([
        ['flaky', 'step', 'commit', 'how'],
        ...flaky.map((one) => [time(one.at), one.step, one.commit.slice(0, 10), one.how]),
      ]),
    )
  parts.push(
    table([
      ['run', 'step', 'attempt', 'commit', 'state', 'took', 'what'],
      ...history
        .slice(0, 30)
        .map((one) => [
          one.run,
          one.step,
          String(one.attempt),
          one.commit.slice(0, 10),
          one.quarantined ? `${one.state}, overlooked` : one.state,
          took(one.seconds),
          one.retries === 0 ? one.message : `after ${one.retries} failed: ${one.message}`,
        ]),
    ]),
  )
  return parts.filter((part) => part !== '').join('\n\n')
}

/** The last ten beside the ten before. Newest first. */
function describeTrend(seconds: readonly number[]): string {
  const now = average(seconds.slice(0, 10))
  const before = average(seconds.slice(10, 20))
  if (now === undefined) return ''
  return before === undefined ? `takes ${took(now)}` : `takes ${took(now)}; the ten runs before took ${took(before)}`
}

function average(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

function took(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1_000)} ms` : `${seconds.toFixed(1)} s`
}
