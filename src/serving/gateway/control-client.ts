import { request } from 'node:http'
import { AppError } from '../../core/errors.ts'
import { shortSocketPath } from './socket-path.ts'

const TIMEOUT_MS = 10_000

/** One question to a gateway's control socket. Its refusals come back as AppErrors; no answer is an UPSTREAM. */
export async function askControl(
  folder: string,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { status, text } = await send(shortSocketPath(folder, 'control.sock'), method, path, body)
  const answer: unknown = JSON.parse(text)
  if (status < 300) return answer
  const { error } = answer as { error: string }
  if (status === 409) throw new AppError('STATE_CONFLICT', error)
  throw new AppError(status === 400 ? 'INVALID_INPUT' : 'UPSTREAM', error)
}

function send(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(new AppError('UPSTREAM', `the gateway does not answer: ${cause.message}`, {}, { cause }))
    const asked = request({ socketPath, method, path, timeout: TIMEOUT_MS, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 500, text: Buffer.concat(chunks).toString() }))
      response.on('error', fail)
    })
    asked.on('timeout', () => asked.destroy(new Error(`nothing within ${TIMEOUT_MS / 1_000} s`)))
    asked.on('error', fail)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
