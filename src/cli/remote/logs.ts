import { Option, type Command } from 'commander'
import { getRun, searchLog } from '../../api/runs.ts'
import type { Client } from '../../client/client.ts'
import { AppError, isAppError } from '../../core/errors.ts'
import { openClient, type GlobalOptions } from '../context.ts'
import { createLogPrinter, logTime } from '../log-printer.ts'
import { writeOut } from '../print.ts'
import { parseRun } from '../references.ts'
import { followedPieces, piecesOf, type LogPiece, type LogPlace } from './log-pieces.ts'

interface LogOptions {
  readonly follow?: boolean
  readonly attempt?: number
  readonly service?: string
  readonly timestamps?: boolean
  readonly raw?: boolean
  readonly grep?: string
  readonly context: number
  readonly ignoreCase?: boolean
}

/** `tidegate logs`: shown, followed or searched. */
export function registerLogs(program: Command): void {
  program
    .command('logs <run> [step]')
    .description('the log of a step; without a step, of the first that failed or still runs')
    .option('-f, --follow', 'go on until the step ends, through all its attempts; waits for the first')
    .option('--attempt <number>', 'another than the last', Number)
    .option('--service <name>', 'of a service that ran beside the step')
    .option('-t, --timestamps', 'when each line came, in UTC')
    .addOption(new Option('--raw', 'the bytes as they are, with all colours and progress').conflicts('timestamps'))
    .option('--grep <pattern>', 'only lines that match this regular expression; without a step, of every step')
    .option('-C, --context <lines>', 'with --grep: lines around each match', Number, 0)
    .option('-i, --ignore-case', 'with --grep')
    .action(async (run: string, step: string | undefined, options: LogOptions, command: Command) => {
      const client = await openClient(command.optsWithGlobals<GlobalOptions>())
      if (options.grep !== undefined) return searchSteps(client, run, step, { ...options, grep: options.grep })
      const place = placeOf(run, step ?? (await interestingStep(client, run, options)), options)
      if (options.raw === true) return printRaw(client, place, options)
      await printLog(client, place, options)
    })
}

function placeOf(run: string, step: string, { attempt, service }: LogOptions): LogPlace {
  const which = { ...(attempt === undefined ? {} : { attempt }), ...(service === undefined ? {} : { service }) }
  return { params: { ...parseRun(run), step }, which }
}

async function printRaw(client: Client, place: LogPlace, options: LogOptions): Promise<void> {
  let last: number | undefined
  for await (const { bytes, attempt } of logOf(client, place, options)) {
    if (last !== undefined && attempt !== last) console.error(attemptBegins(attempt))
    last = attempt
    await writeOut(bytes)
  }
}

async function printLog(client: Client, place: LogPlace, options: LogOptions): Promise<void> {
  const newPrinter = () =>
    createLogPrinter({ isTerminal: process.stdout.isTTY, timestamps: options.timestamps === true })
  let printer = newPrinter()
  let last: number | undefined
  for await (const { bytes, offset, times, attempt } of logOf(client, place, options)) {
    if (last !== undefined && attempt !== last) {
      await writeOut(printer.end())
      await writeOut(Buffer.from(`\n${attemptBegins(attempt)}\n`))
      printer = newPrinter()
    }
    last = attempt
    await writeOut(printer.push(bytes, offset, times))
  }
  await writeOut(printer.end())
}

function logOf(client: Client, place: LogPlace, { follow, timestamps }: LogOptions): AsyncGenerator<LogPiece> {
  return follow === true ? followedPieces(client, place) : piecesOf(client, place, timestamps === true)
}

function attemptBegins(attempt: number | undefined): string {
  return `[tidegate] attempt ${attempt}`
}

async function interestingStep(client: Client, run: string, { follow }: LogOptions): Promise<string> {
  const { steps } = await client.call(getRun, { params: parseRun(run) })
  const step =
    steps.find(({ state }) => state === 'failed') ??
    steps.find(({ state }) => state === 'running') ??
    steps.findLast(({ attempt }) => attempt > 0) ??
    steps.find(({ state }) => follow === true && state === 'waiting')
  if (step !== undefined) return step.key
  throw new AppError('NOT_FOUND', `No step of ${run} has a log yet.`)
}

type Search = LogOptions & { readonly grep: string }

/** Exit code 1 where nothing matches, as grep has it. */
async function searchSteps(client: Client, run: string, step: string | undefined, search: Search): Promise<void> {
  const steps = step === undefined ? await stepsWithLog(client, run) : [step]
  let found = 0
  for (const name of steps) {
    const searched = searchStep(client, placeOf(run, name, search), search, steps.length > 1)
    found += await (step === undefined ? searched.catch(noteGone) : searched)
  }
  if (found === 0) process.exitCode = 1
}

/** Logs go when their time is over, each on its own: the others are searched all the same. */
function noteGone(error: unknown): number {
  if (!isAppError(error, 'NOT_FOUND')) throw error
  console.error(error.message)
  return 0
}

async function stepsWithLog(client: Client, run: string): Promise<string[]> {
  const { steps } = await client.call(getRun, { params: parseRun(run) })
  return steps.filter(({ attempt }) => attempt > 0).map(({ key }) => key)
}

/** One answer after the other, until the server has searched the whole log. Answers how many lines matched. */
async function searchStep(client: Client, place: LogPlace, search: Search, isNamed: boolean): Promise<number> {
  const { params, which } = place
  const name = isNamed ? `${params.step}:` : ''
  const asked = {
    pattern: search.grep,
    context: search.context,
    ignoreCase: search.ignoreCase === true ? 'yes' : 'no',
  } as const
  let found = 0
  let last: number | undefined
  for (let next: { offset: number; line: number } | null = { offset: 0, line: 1 }; next !== null;) {
    const answer: SearchAnswer = await client.call(searchLog, { params, query: { ...which, ...asked, ...next } })
    for (const { line, at, text, isMatch } of answer.lines) {
      if (last !== undefined && search.context > 0 && line > last + 1) process.stdout.write('--\n')
      const time = search.timestamps === true ? `${logTime(at)}  ` : ''
      process.stdout.write(`${name}${line}${isMatch ? ':' : '-'}${time}${text}\n`)
      found += isMatch ? 1 : 0
      last = line
    }
    next = answer.next
  }
  return found
}

interface SearchAnswer {
  readonly lines: readonly {
    readonly line: number
    readonly at: number | null
    readonly text: string
    readonly isMatch: boolean
  }[]
  readonly next: { readonly offset: number; readonly line: number } | null
}
