import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { GitServer } from '../source/git-server.ts'
import { AppError } from '../core/errors.ts'
import { hasCode } from '../lib/error-code.ts'

export interface HttpOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly api: { fetch(request: Request): Response | Promise<Response> }
  readonly git: GitServer
  /** Everything that is neither the API nor git: the web page. */
  readonly page: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  /** What nobody answered for: a file that is gone while it is sent, a client that left. */
  readonly onError: (error: unknown, url: string) => void
}

export interface HttpServer extends AsyncDisposable {
  readonly address: string
}

/** One port for the API, git and the web page. Closing it ends streams and waits for the rest. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const api = getRequestListener((request) => options.api.fetch(request), { overrideGlobalObjects: false })
  const server = createServer((request, response) => {
    route(options, api, request, response).catch((error: unknown) => {
      options.onError(error, request.url ?? '')
      response.destroy()
    })
  })
  // Pushes of large repositories and event streams take as long as they take; headers may not.
  server.requestTimeout = 0
  server.headersTimeout = 30_000
  await listen(server, options)
  const { address, family, port } = server.address() as AddressInfo
  return {
    address: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Also versions it does not have: programs are not answered with the web page. */
const API_PATH = /^\/api(?:[/?]|$)/

async function route(
  options: HttpOptions,
  api: (request: IncomingMessage, response: ServerResponse) => unknown,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (API_PATH.test(request.url ?? '')) {
    await api(request, response)
    return
  }
  if (await options.git.handle(request, response)) return
  await options.page(request, response)
}

async function listen(server: Server, { host, port }: HttpOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(hasCode(error, 'EADDRINUSE') ? portTaken(host, port) : error))
    server.listen(port, host, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

function portTaken(host: string, port: number): AppError {
  return new AppError(
    'INVALID_INPUT',
    `Port ${port} of ${host} is taken by another program. Stop that one, or choose another port with --port (0 takes a free one).`,
  )
}
