import type { Handlers } from '../handlers.ts'
import { AppError } from '../../core/errors.ts'
import { ATTEMPT_TRANSITIONS, type AttemptState } from '../../core/run-state.ts'
import { isFinal } from '../../core/transitions.ts'
import type { AttemptRow, RunRow } from '../../db/tables.ts'
import { getRun, listAttempts, listRuns } from '../../engine/runs.sql.ts'
import { followLog, readLog } from '../../engine/logs.ts'
import type { Installation } from '../../flow/installation.ts'
import { startRun } from '../../flow/start-run.ts'
import { waiveGate } from '../../flow/waive-gate.ts'
import { eventStream } from '../event-stream.ts'
import { describeRun, describeRunDetail } from './describe-run.ts'

type RunHandlers = Pick<
  Handlers,
  'listRuns' | 'getRun' | 'startRun' | 'cancelRun' | 'rerunRun' | 'waiveGate' | 'getLog' | 'followLog'
>

export function runHandlers(installation: Installation): RunHandlers {
  const { database, engine } = installation
  const detail = async (id: string) =>
    describeRunDetail(database.read, await find(installation, id), installation.dataFolder)
  return {
    async listRuns({ params, query }) {
      const before = query.before === undefined ? {} : { before: query.before }
      const rows = await listRuns(database.read, { project: params.project, limit: query.limit, ...before })
      return { runs: await Promise.all(rows.map((row) => describeRun(database.read, row))) }
    },
    getRun: ({ params }) => detail(idOf(params)),
    async startRun({ params, body, identity }) {
      const run = await startRun(installation, {
        project: params.project,
        ref: body.ref,
        refreshData: body.refreshData,
        person: identity.person,
      })
      return detail(run.id)
    },
    async cancelRun({ params, body, identity }) {
      await engine.cancel((await find(installation, idOf(params))).id, identity.person, body.mode)
      return detail(idOf(params))
    },
    async rerunRun({ params, body, identity }) {
      const { run } = await database.write((writer) =>
        engine.rerun(writer, idOf(params), {
          failedOnly: body.failed,
          ...(body.from === undefined ? {} : { from: body.from }),
          debug: body.debug,
          by: identity.person,
        }),
      )
      return detail(run.id)
    },
    async waiveGate({ params, body, identity }) {
      const run = await waiveGate(installation, await find(installation, idOf(params)), {
        ...body,
        by: identity.person,
      })
      return detail(run.id)
    },
    async getLog({ params, query }) {
      const attempt = await attemptOf(installation, params, query.attempt)
      const isComplete = isFinal<AttemptState>(ATTEMPT_TRANSITIONS, attempt.state)
      const { bytes } = await readLog(attempt.folder, query.offset, query.limit)
      return new Response(new Uint8Array(bytes), {
        headers: { 'content-type': 'text/plain; charset=utf-8', 'tidegate-log-end': isComplete ? '1' : '0' },
      })
    },
    async followLog({ params, query, signal, lastEventId }) {
      const attempt = await attemptOf(installation, params, query.attempt)
      const offset = lastEventId === undefined ? query.offset : Number(lastEventId)
      return eventStream(signal, async function* () {
        const decoder = new TextDecoder()
        for await (const { offset: at, bytes } of followLog(
          attempt.folder,
          offset,
          () => hasEnded(installation, attempt),
          signal,
        )) {
          yield {
            id: String(at + bytes.length),
            event: 'log',
            data: { offset: at, text: decoder.decode(bytes, { stream: true }) },
          }
        }
        yield { id: '', event: 'end', data: {} }
      })
    },
  }
}

export function idOf(params: { project: string; number: number }): string {
  return `${params.project}#${params.number}`
}

async function find(installation: Installation, id: string): Promise<RunRow> {
  const run = await getRun(installation.database.read, id)
  if (run === undefined) throw new AppError('NOT_FOUND', `There is no run ${id}.`)
  return run
}

async function hasEnded({ database }: Installation, attempt: AttemptRow): Promise<boolean> {
  const [now] = await listAttempts(database.read, attempt.run_id, { step: attempt.step, limit: 200 }).then((all) =>
    all.filter(({ id }) => id === attempt.id),
  )
  return now === undefined || isFinal<AttemptState>(ATTEMPT_TRANSITIONS, now.state)
}

async function attemptOf(
  installation: Installation,
  params: { project: string; number: number; step: string },
  number: number | undefined,
) {
  const attempts = await listAttempts(installation.database.read, idOf(params), { step: params.step, limit: 200 })
  const attempt = number === undefined ? attempts.at(-1) : attempts.find((one) => one.number === number)
  if (attempt !== undefined) return attempt
  throw new AppError(
    'NOT_FOUND',
    `Step ${params.step} of ${idOf(params)} has no attempt${number === undefined ? ' yet: it waits, was skipped, or came from the cache' : ` ${number}`}.`,
  )
}
