import { Option, type Command } from 'commander'
import { getRun, searchLog } from '../../api/runs.ts'
import type { Client } from '../../client/client.ts'
import { AppError, isAppError } from '../../core/errors.ts'
import { openClient, type GlobalOptions } from '../context.ts'
import { createLogPrinter, logTime } from '../log-printer.ts'
import { writeOut } from '../print.ts'
import { parseRun } from '../references.ts'
import { wholeNumber } from '../whole-number.ts'
import { linesOf } from './log-lines.ts'
import { followedPieces, piecesOf, type LogPiece, type LogPlace } from './log-pieces.ts'

interface LogOptions {
  readonly follow?: boolean
  readonly attempt?: number
  readonly service?: string
  readonly timestamps?: boolean
  readonly raw?: boolean
  readonly grep?: string
  readonly context?: number
  readonly ignoreCase?: boolean
}

/** `tidegate logs`: shown, followed or searched. */
export function registerLogs(program: Command): void {
  program
    .command('logs <run> [step]')
    .description('the log of a step; without a step, of the first that failed or still runs')
    .option('-f, --follow', 'go on until the step ends, through all its attempts; waits for the first')
    .option('--attempt <number>', 'another than the last', wholeNumber(1))
    .option('--service <name>', 'of a service that ran beside the step')
    .option('-t, --timestamps', 'when each line came, in UTC')
    .addOption(new Option('--raw', 'the bytes as they are, with all colours and progress').conflicts('timestamps'))
    .option('--grep <pattern>', 'only lines that match this regular expression; without a step, of every step')
    .option('-C, --context <lines>', 'with --grep: lines around each match, at most 100', wholeNumber(0, 100))
    .option('-i, --ignore-case', 'with --grep')
    .action(async (run: string, step: string | undefined, options: LogOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const asJson = globals.json === true
      refuseMixed(options, asJson)
      const client = await openClient(globals)
      if (options.grep !== undefined) {
        const { grep, context = 0 } = options
        return searchSteps(client, run, step, { ...options, grep, context, asJson })
      }
      const place = placeOf(run, step ?? (await interestingStep(client, run, options)), options)
      if (asJson) return printJson(client, place, options)
      if (options.raw === true) return printRaw(client, place, options)
      await printLog(client, place, options)
    })
}

/** What goes with a search and what goes with a log, where one would do nothing. */
function refuseMixed(options: LogOptions, asJson: boolean): void {
  const { grep, follow, raw, context, ignoreCase } = options
  if (asJson && raw === true) refuse('--json prints lines, and --raw the bytes as they are. Leave one out.')
  if (grep === undefined && (context !== undefined || ignoreCase === true))
    refuse('--context and --ignore-case belong to a search: name what to look for with --grep.')
  if (grep !== undefined && raw === true) refuse('--grep prints lines, and --raw the bytes as they are. Leave one out.')
  if (grep !== undefined && follow === true)
    refuse(
      '--grep searches what has been printed. To look for it as it comes, follow the log: `tidegate logs -f … | grep …`.',
    )
}

function refuse(message: string): never {
  throw new AppError('INVALID_INPUT', message)
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

/** An object for each line of the log, each on a line of its own: a log may be long, and may go on. */
async function printJson(client: Client, place: LogPlace, options: LogOptions): Promise<void> {
  const pinned = await withAttempt(client, place)
  const pieces = options.follow === true ? followedPieces(client, place) : piecesOf(client, pinned, true)
  const { step } = place.params
  for await (const lines of linesOf(pieces)) {
    const shown = lines.map(({ attempt, ...line }) => ({ step, ...pinned.which, ...(attempt && { attempt }), ...line }))
    await writeOut(Buffer.from(shown.map((line) => `${JSON.stringify(line)}\n`).join('')))
  }
}

/** Which attempt is the last, where none was named. */
async function withAttempt(client: Client, place: LogPlace): Promise<LogPlace> {
  if (place.which.attempt !== undefined) return place
  const { steps } = await client.call(getRun, { params: place.params })
  const attempt = steps.find(({ key }) => key === place.params.step)?.attempt ?? 0
  // Without one the server says why there is no log.
  return attempt === 0 ? place : { ...place, which: { ...place.which, attempt } }
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
  const { id, state, reason, steps } = await client.call(getRun, { params: parseRun(run) })
  if (state === 'invalid') {
    throw new AppError('NOT_FOUND', `${id} is invalid, so nothing of it was run: ${reason ?? 'see `tidegate show`'}`)
  }
  const step =
    steps.find(({ state }) => state === 'failed') ??
    steps.find(({ state }) => state === 'running') ??
    steps.findLast(({ attempt }) => attempt > 0) ??
    steps.find(({ state }) => follow === true && state === 'waiting')
  if (step !== undefined) return step.key
  throw new AppError('NOT_FOUND', `No step of ${run} has a log yet.`)
}

type Search = LogOptions & { readonly grep: string; readonly context: number; readonly asJson: boolean }

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
  const { params, which } = search.asJson ? await withAttempt(client, place) : place
  const textOf = search.asJson ? jsonText({ step: params.step, ...which }) : plainText(params.step, isNamed, search)
  const asked = {
    pattern: search.grep,
    context: search.context,
    ignoreCase: search.ignoreCase === true ? 'yes' : 'no',
  } as const
  let found = 0
  for (let next: { offset: number; line: number } | null = { offset: 0, line: 1 }; next !== null;) {
    const answer: SearchAnswer = await client.call(searchLog, { params, query: { ...which, ...asked, ...next } })
    await writeOut(Buffer.from(answer.lines.map(textOf).join('')))
    found += answer.lines.filter(({ isMatch }) => isMatch).length
    next = answer.next
  }
  return found
}

function jsonText(place: object): (found: FoundLine) => string {
  return (found) => `${JSON.stringify({ ...place, ...found })}\n`
}

/** As grep prints it, with a line between those that do not follow each other. */
function plainText(step: string, isNamed: boolean, { context, timestamps }: Search): (found: FoundLine) => string {
  let last: number | undefined
  return ({ line, at, text, isMatch }) => {
    const between = last !== undefined && context > 0 && line > last + 1 ? '--\n' : ''
    last = line
    const time = timestamps === true ? `${logTime(at)}  ` : ''
    return `${between}${isNamed ? `${step}:` : ''}${line}${isMatch ? ':' : '-'}${time}${text}\n`
  }
}

interface FoundLine {
  readonly line: number
  readonly at: number | null
  readonly text: string
  readonly isMatch: boolean
}

interface SearchAnswer {
  readonly lines: readonly FoundLine[]
  readonly next: { readonly offset: number; readonly line: number } | null
}
