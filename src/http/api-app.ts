import { Hono, type Context, type HonoRequest } from 'hono'
import type { z } from 'zod'
import { API_ROOT, OPERATIONS, type OperationName } from '../api/operations.ts'
import type { Operation } from '../api/operation.ts'
import { AppError } from '../core/errors.ts'
import { storageError } from '../core/storage-error.ts'
import { limit } from '../core/limits.ts'
import type { Role } from '../core/roles.ts'
import type { Identity } from '../core/identity.ts'
import { openApiDocument } from './openapi.ts'
import type { Call, Handlers } from './handlers.ts'

export interface ApiOptions {
  readonly handlers: Handlers
  authenticate(token: string): Promise<Identity | undefined>
  /** Throws FORBIDDEN. `project` is `*` for operations on the installation; `run` is set for those on one run. */
  requireRole(identity: Identity, project: string, role: Role, run: string | undefined): Promise<void>
  /** Throws NOT_FOUND where there never was such a project. What one that was removed did can be looked at, and nothing be changed. */
  requireProject(project: string, use: 'look' | 'change'): Promise<void>
  /** Bugs of ours: the log gets everything, the client nothing. */
  onBug(error: unknown, operation: string): void
  readonly signal: AbortSignal
}

/** The API as a fetch handler: contract in, one handler called, contract or failure out. */
export function createApiApp(options: ApiOptions): Hono {
  const app = new Hono()
  app.use('*', async (context, next) => {
    if (Number(context.req.header('content-length') ?? 0) > limit('apiBodyBytes')) return failure(tooLarge())
    return next()
  })
  app.get(`${API_ROOT}/openapi.json`, (context) => context.json(openApiDocument()))
  for (const name of Object.keys(OPERATIONS) as OperationName[]) {
    const operation: Operation = OPERATIONS[name]
    app.on(operation.method, routeOf(operation), (context) => answer(options, name, operation, context))
  }
  for (const [path, methods] of methodsByPath()) app.all(path, ({ req }) => failure(wrongMethod(req, methods)))
  app.notFound((context) =>
    failure(
      new AppError(
        'NOT_FOUND',
        `There is nothing at ${context.req.path}. ${API_ROOT}/openapi.json lists the operations.`,
      ),
    ),
  )
  app.onError((error) => {
    options.onBug(error, 'http')
    return failure(new AppError('INTERNAL', 'Something went wrong here; the server’s log has the details.'))
  })
  return app
}

function routeOf({ path }: Operation): string {
  return API_ROOT + path.replace(/\{(\w+)\}/g, ':$1')
}

function methodsByPath(): Map<string, string[]> {
  const methods = new Map([[`${API_ROOT}/openapi.json`, ['GET']]])
  for (const operation of Object.values(OPERATIONS)) {
    const path = routeOf(operation)
    methods.set(path, [...(methods.get(path) ?? []), operation.method])
  }
  return methods
}

function wrongMethod({ method, path }: HonoRequest, methods: readonly string[]): AppError {
  const allow = methods.join(', ')
  return new AppError('WRONG_METHOD', `${path} takes ${allow}, not ${method}.`, { allow })
}

async function answer(
  options: ApiOptions,
  name: OperationName,
  operation: Operation,
  context: Context,
): Promise<Response> {
  try {
    const call = await admit(options, operation, context)
    const handler = options.handlers[name] as (call: Call<Operation>) => Promise<unknown>
    const result = await handler(call)
    if (result instanceof Response) return result
    return Response.json(result)
  } catch (error) {
    if (error instanceof AppError && error.code !== 'INTERNAL') return failure(error)
    const storage = storageError(error)
    if (storage !== undefined) return failure(storage)
    options.onBug(error, name)
    return failure(new AppError('INTERNAL', 'Something went wrong here; the server’s log has the details.'))
  }
}

/** Who is it, may they, and is what they ask well formed: in this order, so that strangers learn nothing. */
async function admit(options: ApiOptions, operation: Operation, context: Context): Promise<Call<Operation>> {
  const identity = await identify(options, operation, context)
  const params = check(operation.params, operation.params === undefined ? undefined : context.req.param(), 'path')
  await allow(options, operation, identity, params)
  return {
    identity,
    params,
    query: check(operation.query, operation.query === undefined ? undefined : context.req.query(), 'query'),
    content: operation.content === true ? (context.req.raw.body ?? NOTHING) : NOTHING,
    body: check(operation.body, operation.body === undefined ? undefined : await readJson(context), 'body'),
    signal: AbortSignal.any([context.req.raw.signal, options.signal]),
    lastEventId: lastEventIdOf(context),
  }
}

const NOTHING: AsyncIterable<Uint8Array> = { async *[Symbol.asyncIterator]() {} }

const NOBODY: Identity = { person: '', tokenId: '' }

async function identify(options: ApiOptions, operation: Operation, context: Context): Promise<Identity> {
  if (operation.role === 'nobody') return NOBODY
  const token = tokenOf(context)
  const identity = token === undefined ? undefined : await options.authenticate(token)
  if (identity !== undefined) return identity
  throw new AppError(
    'UNAUTHENTICATED',
    token === undefined
      ? 'No token was sent. Run `tidegate login`.'
      : 'The token is wrong, revoked or expired. Run `tidegate login` again.',
  )
}

/** The header, or the cookie that the web page sets (an event stream in a browser cannot send headers). */
function tokenOf(context: Context): string | undefined {
  const header = context.req.header('authorization')
  if (header?.startsWith('Bearer ') === true) return header.slice('Bearer '.length)
  const cookie = /(?:^|;\s*)tidegate_token=([^;]+)/.exec(context.req.header('cookie') ?? '')
  return cookie?.[1]
}

async function allow(options: ApiOptions, operation: Operation, identity: Identity, params: unknown): Promise<void> {
  if (operation.role === 'nobody' || operation.role === 'person') return
  const { project = '*', number } = (params ?? {}) as { project?: string; number?: number }
  const run = number === undefined ? undefined : `${project}#${number}`
  await options.requireRole(identity, project, operation.role, run)
  if (project !== '*') await options.requireProject(project, operation.method === 'GET' ? 'look' : 'change')
}

function lastEventIdOf(context: Context): number | undefined {
  const header = context.req.header('last-event-id')
  if (header === undefined) return undefined
  if (/^\d{1,15}$/.test(header)) return Number(header)
  throw new AppError(
    'INVALID_INPUT',
    `The header last-event-id is "${header}". Send the id of the last event that came, or leave it out.`,
  )
}

async function readJson(context: Context): Promise<unknown> {
  const text = await readText(context.req.raw.body)
  if (text === '') return {}
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new AppError('INVALID_INPUT', `The body is not JSON: ${(error as Error).message}`)
  }
}

/**
 * Keeps no more than the limit, whatever length was announced. Hono's own does not get on with Node's Request here.
 * What is a little longer is read to its end all the same: an answer in the middle of a body is lost with its
 * connection, as soon as the client is slow.
 */
async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const most = limit('apiBodyBytes')
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size <= most) chunks.push(chunk)
    else chunks.length = 0
    if (size > READ_ANYWAY * most) break
  }
  if (size > most) throw tooLarge()
  return Buffer.concat(chunks).toString()
}

const READ_ANYWAY = 4

function tooLarge(): AppError {
  return new AppError('TOO_LARGE', `The body is larger than ${limit('apiBodyBytes')} bytes. Send it in parts.`)
}

function check(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (schema === undefined) return undefined
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${[where, ...issue.path].join('.')}: ${issue.message}`)
  throw new AppError('INVALID_INPUT', problems.join('; '), { problems })
}

/** The only place where an error becomes a response. */
export function failure(error: AppError): Response {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (error.status === 503) headers['retry-after'] = '1'
  const { code, message, details } = error
  if (typeof details['allow'] === 'string') headers['allow'] = details['allow']
  return new Response(JSON.stringify({ error: { code, message, details } }), { status: error.status, headers })
}
