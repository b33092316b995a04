import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { isAppError, type AppError } from '../../core/errors.ts'
import { storageError } from '../../core/storage-error.ts'

/** How long a client that sends too much has to read why, before its connection is cut. */
const LINGER_MS = 500

/** `application/json` and nothing after it: KServe's client looks for exactly that. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(body)
}

/** As `{"error": …}`, which is what clients of the protocol read. */
export function sendError(response: ServerResponse, error: unknown, headers: OutgoingHttpHeaders = {}): number {
  const known = isAppError(error) ? error : storageError(error)
  const status = statusOf(known)
  const body = JSON.stringify({ error: known?.message ?? 'the gateway has a bug; its log has the details' })
  if (status === 413) refuseTheRest(response, body)
  else sendJson(response, status, body, { ...EXTRA_HEADERS[status], ...headers })
  return status
}

const EXTRA_HEADERS: Readonly<Record<number, OutgoingHttpHeaders>> = {
  401: { 'www-authenticate': 'Bearer' },
  503: { 'retry-after': '1' },
}

/** A model that fails is a 500 and one that is lost a 502 or 504, so that their causes can be told apart. */
function statusOf(error: AppError | undefined): number {
  if (error === undefined) return 500
  if (error.code === 'UPSTREAM') return upstreamStatus(error)
  return error.status
}

function upstreamStatus(error: AppError): number {
  if (error.details.reason === 'model') return 500
  return error.details.reason === 'timeout' ? 504 : 502
}

/**
 * The rest of the body is never read: the client's writes stall on a full window. To close at once would
 * reset the connection and take the answer away from it, so the answer goes out whole and its end waits.
 */
function refuseTheRest(response: ServerResponse, body: string): void {
  response.writeHead(413, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  })
  response.write(body)
  setTimeout(() => response.end(), LINGER_MS).unref()
}
