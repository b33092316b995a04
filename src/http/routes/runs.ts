import type { Handlers } from '../handlers.ts'
import { AppError } from '../../core/errors.ts'
import type { RunRow } from '../../db/tables.ts'
import { getRun, listRuns } from '../../engine/runs.sql.ts'
import type { Installation } from '../../flow/installation.ts'
import { startRun } from '../../flow/start-run.ts'
import { waiveGate } from '../../flow/waive-gate.ts'
import { describeRun, describeRunDetail } from './describe-run.ts'

type RunHandlers = Pick<Handlers, 'listRuns' | 'getRun' | 'startRun' | 'cancelRun' | 'rerunRun' | 'waiveGate'>

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
