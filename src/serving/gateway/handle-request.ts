import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AppError } from '../../core/errors.ts'
import type { PredictionSpool } from '../prediction-log/prediction-spool.ts'
import { sendError, sendJson } from './answers.ts'
import { infer, pickVersion } from './infer.ts'
import { ClientGone } from './read-body.ts'
import type { LiveArm, LiveRoute, RouteIndex } from './route-index.ts'

export interface GatewayState {
  /** Replaced as a whole; read once per decision. */
  readonly index: RouteIndex
  readonly isDraining: boolean
  readonly spool: PredictionSpool
  readonly serverVersion: string
  /** For errors that are our own bugs. */
  readonly logError: (error: unknown) => void
}

/** Answers the Open Inference Protocol under `/{project}/{environment}`. */
export async function handleRequest(
  state: GatewayState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    if (state.isDraining) response.setHeader('connection', 'close')
    await dispatch(state, request, response)
  } catch (error) {
    if (error instanceof ClientGone) return
    if (!(error instanceof AppError)) state.logError(error)
    sendError(response, error)
  }
}

async function dispatch(state: GatewayState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [project, environment, v2, ...rest] = splitPath(request.url ?? '/')
  if (project === undefined || environment === undefined || v2 !== 'v2')
    throw notFound('no such path: endpoints are /{project}/{environment}/v2/…')
  const findModels = (): ReadonlyMap<string, LiveRoute> => {
    const models = state.index.environments.get(`${project}/${environment}`)
    if (models === undefined) throw notFound(`nothing is served at /${project}/${environment}`)
    return models
  }
  const [kind, name, ...verb] = rest
  if (kind !== 'models') return answerAboutServer(state, rest, request, response, findModels())
  const findRoute = (): LiveRoute => {
    const route = findModels().get(name ?? '')
    if (route === undefined)
      throw notFound(`Request for unknown model: '${name}' is not served at /${project}/${environment}`)
    return route
  }
  checkToken(findRoute(), request)
  const [version, action] = verb[0] === 'versions' ? [verb[1], verb.slice(2).join('/')] : [undefined, verb.join('/')]
  if (action !== 'infer') return answerAboutModel(findRoute(), version, action, request, response)
  requireMethod(request, 'POST')
  await infer(request, response, findRoute, state.spool, version)
}

function answerAboutServer(
  state: GatewayState,
  path: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
  models: ReadonlyMap<string, LiveRoute>,
): void {
  requireMethod(request, 'GET')
  switch (path.join('/')) {
    case '':
      return sendJson(
        response,
        200,
        JSON.stringify({ name: 'tidegate', version: state.serverVersion, extensions: ['binary_tensor_data'] }),
      )
    case 'health/live':
      return sendJson(response, 200, '{"live":true}')
    case 'health/ready': {
      const ready = !state.isDraining && [...models.values()].every(isReady)
      // Both words: clients look for `ready`, the protocol's text shows `live`.
      return sendJson(response, ready ? 200 : 503, JSON.stringify({ live: true, ready }))
    }
    default:
      throw notFound('no such path of the Open Inference Protocol')
  }
}

function answerAboutModel(
  route: LiveRoute,
  version: string | undefined,
  action: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const arm = version === undefined ? mainArm(route) : pickVersion(route, version)
  if (action === 'ready') {
    requireMethod(request, 'GET')
    const ready = arm.keeper.state === 'ready'
    return sendJson(response, ready ? 200 : 503, JSON.stringify({ name: route.route.model, ready }))
  }
  if (action !== '') throw notFound(`a model has no "${action}" here`)
  requireMethod(request, 'GET')
  const { inputs, outputs } = arm.signature
  const versions = route.arms.filter((candidate) => candidate.weight > 0).map((candidate) => candidate.version)
  const platform = arm.keeper.spec.manifest.runtime.kind === 'onnx' ? 'onnxruntime_onnx' : 'tidegate'
  sendJson(response, 200, JSON.stringify({ name: route.route.model, versions, platform, inputs, outputs }))
}

/** An arm of the challenger never decides whether the model is there: its users can be served by the champion. */
function isReady(route: LiveRoute): boolean {
  return mainArm(route).keeper.state === 'ready'
}

function mainArm(route: LiveRoute): LiveArm {
  return (
    route.arms.find((arm) => arm.arm === 'champion' && arm.weight > 0) ??
    route.arms.find((arm) => arm.weight > 0) ??
    route.arms[0]
  )
}

function checkToken(route: LiveRoute, request: IncomingMessage): void {
  const expected = route.route.tokenSha256
  if (expected === undefined) return
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
  const given = createHash('sha256').update(token).digest()
  const wanted = Buffer.from(expected.replace('sha256:', ''), 'hex')
  if (wanted.length === given.length && timingSafeEqual(given, wanted)) return
  const what = token === '' ? 'a token is needed' : 'the token is not the one of this endpoint'
  throw new AppError('UNAUTHENTICATED', `${what}: send "Authorization: Bearer <token>"`)
}

function splitPath(url: string): string[] {
  const end = url.indexOf('?')
  const path = end === -1 ? url : url.slice(0, end)
  const parts = path.split('/').filter((part) => part !== '')
  return path.includes('%') ? parts.map(decode) : parts
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw new AppError('INVALID_INPUT', `"${part}" is not a valid part of a path`, {}, { cause })
  }
}

function requireMethod(request: IncomingMessage, method: 'GET' | 'POST'): void {
  if (request.method === method || (method === 'GET' && request.method === 'HEAD')) return
  throw new AppError('WRONG_METHOD', `this path takes ${method}, not ${request.method}`)
}

function notFound(message: string): AppError {
  return new AppError('NOT_FOUND', message)
}
