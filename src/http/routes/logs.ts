import { existsSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Handlers } from '../handlers.ts'
import { AppError } from '../../core/errors.ts'
import { timeAt } from '../../core/log-times.ts'
import { ATTEMPT_TRANSITIONS, type AttemptState, type StepState } from '../../core/run-state.ts'
import { isFinal } from '../../core/transitions.ts'
import type { AttemptRow, StepRow } from '../../db/tables.ts'
import { grepLog } from '../../engine/grep-log.ts'
import { openLogTimes } from '../../engine/log-times.ts'
import { followLog, logFileOf, readLog, startOfTail, streamLog } from '../../engine/logs.ts'
import { getRun, listAttempts, listSteps } from '../../engine/runs.sql.ts'
import type { Installation } from '../../flow/installation.ts'
import { eventStream } from '../event-stream.ts'
import { idOf } from './runs.ts'

type LogHandlers = Pick<Handlers, 'getLog' | 'getLogTimes' | 'searchLog' | 'followLog'>

export function logHandlers(installation: Installation): LogHandlers {
  return {
    async getLog({ params, query }) {
      const { attempt, file } = await writtenLogOf(installation, params, query)
      const isComplete = isFinal<AttemptState>(ATTEMPT_TRANSITIONS, attempt.state)
      const body =
        query.limit === 'all'
          ? Readable.toWeb(Readable.from(streamLog(file, query.offset), { objectMode: false }))
          : new Uint8Array((await readLog(file, query.offset, query.limit)).bytes)
      return new Response(body as ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>, {
        headers: { 'content-type': 'text/plain; charset=utf-8', 'tidegate-log-end': isComplete ? '1' : '0' },
      })
    },
    async getLogTimes({ params, query }) {
      const { file } = await logOf(installation, params, query)
      return { times: (await openLogTimes(file).between(query.from, query.to)).map(({ offset, at }) => [offset, at]) }
    },
    async searchLog({ params, query, signal }) {
      const { file } = await writtenLogOf(installation, params, query)
      const { lines, next } = await grepLog(file, { ...query, ignoresCase: query.ignoreCase === 'yes' }, signal)
      const last = lines.at(-1)
      const times = last === undefined ? [] : await openLogTimes(file).between(query.offset, last.offset + 1)
      return { lines: lines.map((line) => ({ ...line, at: timeAt(times, line.offset) ?? null })), next }
    },
    async followLog({ params, query, signal, lastEventId }) {
      const { attempt, file } = await logOf(installation, params, query)
      const start = query.tail === undefined ? query.offset : await startOfTail(file, query.tail)
      const offset = lastEventId ?? start
      return eventStream(signal, async function* () {
        const decoder = new TextDecoder()
        const clock = openLogTimes(file)
        for await (const { offset: at, bytes } of followLog(
          file,
          offset,
          () => hasEnded(installation, attempt),
          signal,
        )) {
          const end = at + bytes.length
          const times = (await clock.between(at, end)).map((entry) => [entry.offset, entry.at])
          const data = { offset: at, text: decoder.decode(bytes, { stream: true }), times }
          yield { id: String(end), event: 'log', data }
        }
        yield { id: '', event: 'end', data: {} }
      })
    },
  }
}

async function hasEnded({ database }: Installation, attempt: AttemptRow): Promise<boolean> {
  const [now] = await listAttempts(database.read, attempt.run_id, { step: attempt.step, limit: 200 }).then((all) =>
    all.filter(({ id }) => id === attempt.id),
  )
  return now === undefined || isFinal<AttemptState>(ATTEMPT_TRANSITIONS, now.state)
}

type InStep = { readonly project: string; readonly number: number; readonly step: string }
type WhichLog = { readonly attempt?: number | undefined; readonly service?: string | undefined }

/** As `logOf`, and refused where the attempt ended without one: nothing was printed, and nothing will be. */
async function writtenLogOf(
  installation: Installation,
  params: InStep,
  which: WhichLog,
): Promise<{ attempt: AttemptRow; file: string }> {
  const found = await logOf(installation, params, which)
  const { attempt, file } = found
  if (existsSync(file) || !isFinal<AttemptState>(ATTEMPT_TRANSITIONS, attempt.state)) return found
  const why = attempt.started_at === null ? `${endInWords(attempt.state)} before it began` : 'left none'
  throw new AppError(
    'NOT_FOUND',
    `Step ${params.step} of ${idOf(params)} has no log: attempt ${attempt.number} ${why}${because(attempt.message)}.`,
  )
}

async function logOf(
  installation: Installation,
  params: InStep,
  { attempt: number, service }: WhichLog,
): Promise<{ attempt: AttemptRow; file: string }> {
  const attempts = await listAttempts(installation.database.read, idOf(params), { step: params.step, limit: 200 })
  const attempt = number === undefined ? attempts.at(-1) : attempts.find((one) => one.number === number)
  if (attempt !== undefined) {
    const file = logFileOf(attempt.folder, service)
    if (existsSync(file)) return { attempt, file }
    if (wasRemoved(attempt)) throw removedLog(attempt)
    if (service === undefined) return { attempt, file }
    throw new AppError('NOT_FOUND', `Step ${params.step} of ${idOf(params)} has no log of a service ${service}.`)
  }
  const step = await findStep(installation, idOf(params), params.step)
  throw new AppError(
    'NOT_FOUND',
    `Step ${step.key} of ${step.run_id} has no ${number === undefined ? `log: ${whyNoLog(step)}` : `attempt ${number}`}.`,
  )
}

function whyNoLog({ state, cache, why, message }: StepRow): string {
  if (state === 'waiting' || state === 'running') return `it has not begun${because(why)}`
  if (state !== 'succeeded') return `it ${endInWords(state)} before it began${because(message ?? why)}`
  return cache === 'hit' ? `its outputs came from the cache${because(why)}` : `nothing ran${because(why)}`
}

function endInWords(state: AttemptState | StepState): string {
  return state === 'failed' ? 'failed' : `was ${state}`
}

function because(text: string | null): string {
  return text === null ? '' : ` (${text.replace(/\.$/, '')})`
}

/** Its row knows of bytes that are not there any more. Without a byte there never was a file. */
function wasRemoved({ log_bytes: bytes, folder }: AttemptRow): boolean {
  return bytes > 0 && !existsSync(logFileOf(folder))
}

function removedLog({ id, run_id: runId, log_bytes: bytes }: AttemptRow): AppError {
  return new AppError(
    'NOT_FOUND',
    `The log of ${id} (${bytes} bytes) is not kept any more: logs go when their time is over, or all of them are over their budget (\`keep\` in server.yaml). \`tidegate rerun ${runId}\` runs the same commit again.`,
    { attempt: id, bytes },
  )
}

async function findStep({ database }: Installation, runId: string, step: string): Promise<StepRow> {
  const run = await getRun(database.read, runId)
  if (run === undefined) throw new AppError('NOT_FOUND', `There is no run ${runId}.`)
  if (run.state === 'invalid') {
    const why = run.reason ?? 'its pipeline file has problems'
    throw new AppError('NOT_FOUND', `${runId} is invalid, so nothing of it was run: ${why}`)
  }
  const steps = await listSteps(database.read, runId)
  const found = steps.find(({ key }) => key === step)
  if (found !== undefined) return found
  const keys = steps.map(({ key }) => key)
  const members = keys.filter((key) => key.startsWith(`${step} (`))
  const known = members.length > 0 ? members : keys
  const what = members.length > 0 ? 'is a matrix; its members are' : 'is none of its steps, which are'
  throw new AppError('NOT_FOUND', `${runId}: ${step} ${what}: ${known.join(', ')}.`)
}
