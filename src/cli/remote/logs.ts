import { Option, type Command } from 'commander'
import { followLog, getLog, getLogTimes, getRun, searchLog } from '../../api/runs.ts'
import type { Client } from '../../client/client.ts'
import { AppError } from '../../core/errors.ts'
import type { LogTime } from '../../core/log-times.ts'
import { openClient, type GlobalOptions } from '../context.ts'
import { createLogPrinter, logTime } from '../log-printer.ts'
import { writeOut } from '../print.ts'
import { parseRun } from '../references.ts'

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

interface Place {
  readonly params: { readonly project: string; readonly number: number; readonly step: string }
  readonly which: { readonly attempt?: number; readonly service?: string }
}

/** `tidegate logs`: shown, followed or searched. */
export function registerLogs(program: Command): void {
  program
    .command('logs <run> [step]')
    .description('the log of a step; without a step, of the first that failed or still runs')
    .option('-f, --follow', 'go on until the step ends')
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
      const place = placeOf(run, step ?? (await interestingStep(client, run)), options)
      if (options.raw === true) return printRaw(client, place, options)
      await printLog(client, place, options)
    })
}

function placeOf(run: string, step: string, { attempt, service }: LogOptions): Place {
  const which = { ...(attempt === undefined ? {} : { attempt }), ...(service === undefined ? {} : { service }) }
  return { params: { ...parseRun(run), step }, which }
}

async function printRaw(client: Client, place: Place, options: LogOptions): Promise<void> {
  for await (const { bytes } of piecesOf(client, place, options)) await writeOut(bytes)
}

async function printLog(client: Client, place: Place, options: LogOptions): Promise<void> {
  const printer = createLogPrinter({ isTerminal: process.stdout.isTTY, timestamps: options.timestamps === true })
  for await (const { bytes, offset, times } of piecesOf(client, place, options)) {
    await writeOut(printer.push(bytes, offset, times))
  }
  await writeOut(printer.end())
}

interface Piece {
  readonly offset: number
  readonly bytes: Buffer
  readonly times: readonly LogTime[]
}

/** As much as the server gives at once. */
const PIECE_BYTES = 4 << 20

async function* piecesOf(client: Client, place: Place, { follow, timestamps }: LogOptions): AsyncGenerator<Piece> {
  const { params, which } = place
  if (follow === true) {
    for await (const event of client.follow(followLog, { params, query: which })) {
      if (event.event !== 'log') continue
      const { offset, text, times } = event.data as { offset: number; text: string; times: [number, number][] }
      yield { offset, bytes: Buffer.from(text), times: times.map(asTime) }
    }
    return
  }
  let next = readPiece(client, place, 0, timestamps === true)
  for (;;) {
    const piece = await next
    if (piece.bytes.length === 0) return
    // The next one is on its way while this one is printed; why it fails is told when it is awaited.
    next = readPiece(client, place, piece.offset + piece.bytes.length, timestamps === true)
    next.catch(() => undefined)
    yield piece
  }
}

async function readPiece(client: Client, place: Place, offset: number, timestamps: boolean): Promise<Piece> {
  const { params, which } = place
  const response = await client.fetch(getLog, { params, query: { ...which, offset, limit: PIECE_BYTES } })
  const bytes = Buffer.from(await response.arrayBuffer())
  if (!timestamps || bytes.length === 0) return { offset, bytes, times: [] }
  const range = { from: offset, to: offset + bytes.length }
  const { times } = await client.call(getLogTimes, { params, query: { ...which, ...range } })
  return { offset, bytes, times: times.map(asTime) }
}

function asTime([offset, at]: readonly [number, number]): LogTime {
  return { offset, at }
}

async function interestingStep(client: Client, run: string): Promise<string> {
  const { id, state, reason, steps } = await client.call(getRun, { params: parseRun(run) })
  if (state === 'invalid') {
    throw new AppError('NOT_FOUND', `${id} is invalid, so nothing of it was run: ${reason ?? 'see `tidegate show`'}`)
  }
  const step =
    steps.find(({ state }) => state === 'failed') ??
    steps.find(({ state }) => state === 'running') ??
    steps.findLast(({ attempt }) => attempt > 0)
  if (step !== undefined) return step.key
  throw new AppError('NOT_FOUND', `No step of ${run} has a log yet.`)
}

type Search = LogOptions & { readonly grep: string }

/** Exit code 1 where nothing matches, as grep has it. */
async function searchSteps(client: Client, run: string, step: string | undefined, search: Search): Promise<void> {
  const steps = step === undefined ? await stepsWithLog(client, run) : [step]
  let found = 0
  for (const name of steps) found += await searchStep(client, placeOf(run, name, search), search, steps.length > 1)
  if (found === 0) process.exitCode = 1
}

async function stepsWithLog(client: Client, run: string): Promise<string[]> {
  const { steps } = await client.call(getRun, { params: parseRun(run) })
  return steps.filter(({ attempt }) => attempt > 0).map(({ key }) => key)
}

/** One answer after the other, until the server has searched the whole log. Answers how many lines matched. */
async function searchStep(client: Client, place: Place, search: Search, isNamed: boolean): Promise<number> {
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
