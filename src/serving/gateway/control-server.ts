import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { AppError } from '../../core/errors.ts'
import type { RouteTable } from '../../core/route-table.ts'
import { sendError, sendJson } from './answers.ts'
import type { Gateway } from './gateway.ts'
import { readBody } from './read-body.ts'

const TABLE_BYTES = 64 << 20

/**
 * How the server speaks to the gateway: `POST /routes`, `GET /status`, `POST /drain`. Nobody else can: it is
 * a socket file in a folder that only our user may enter.
 */
export async function openControlServer(path: string, gateway: Gateway, drain: () => void): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response, gateway, drain).catch((error: unknown) => {
      if (!(error instanceof AppError)) gateway.logError(error)
      sendError(response, error)
    })
  })
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve())
  })
  return server
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  gateway: Gateway,
  drain: () => void,
): Promise<void> {
  switch (`${request.method} ${request.url}`) {
    case 'POST /routes': {
      const table = JSON.parse((await readBody(request, TABLE_BYTES)).toString()) as RouteTable
      await gateway.apply(table)
      return sendJson(response, 200, JSON.stringify({ revision: table.revision }))
    }
    case 'GET /status':
      return sendJson(response, 200, JSON.stringify({ ...gateway.status(), droppedPredictions: gateway.spool.dropped }))
    case 'POST /drain':
      sendJson(response, 202, '{}')
      return drain()
    default:
      throw new AppError('NOT_FOUND', `the control socket has no ${request.method} ${request.url}`)
  }
}
