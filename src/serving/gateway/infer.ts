import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { AppError } from '../../core/errors.ts'
import { limit } from '../../core/limits.ts'
import type { Tensor } from '../../core/ports/runtime.ts'
import { checkInputs } from '../model-host/check-inputs.ts'
import type { PredictionSpool } from '../prediction-log/prediction-spool.ts'
import { sendError, sendJson } from './answers.ts'
import { chooseArm } from './choose-arm.ts'
import { countLatency } from './counters.ts'
import { readInferRequest, type InferRequest } from './infer-request.ts'
import { checkOutputs, writeInferResponse } from './infer-response.ts'
import { predictionId } from './prediction-id.ts'
import { readBody } from './read-body.ts'
import type { LiveArm, LiveRoute } from './route-index.ts'

/** Asked again when the body is here: a slow upload must not be answered by a version that is gone meanwhile. */
export type FindRoute = () => LiveRoute

/**
 * One prediction. Everything the client can get wrong fails before an arm is charged with the request;
 * from `predict` on, an error is ours or the model's.
 */
export async function infer(
  request: IncomingMessage,
  response: ServerResponse,
  findRoute: FindRoute,
  spool: PredictionSpool,
  version?: string,
): Promise<void> {
  const early = findRoute()
  if (early.arms.every((arm) => arm.keeper.isFull))
    throw new AppError('OVERLOADED', `the model "${early.route.model}" has too many requests waiting`)
  const body = await readBody(request, limit('inferBodyBytes'))
  const route = findRoute()
  const now = Date.now()
  const id = predictionId(request.headers['x-request-id'], now)
  const arm = version === undefined ? pickArm(route, request, id) : pickVersion(route, version)
  const asked = readInferRequest(body, header(request, 'inference-header-content-length'), arm.signature.inputs)
  checkInputs(arm.signature.inputs, asked.inputs)
  checkOutputs(
    asked,
    arm.signature.outputs.map((output) => output.name),
  )
  await predict({ response, route, arm, id, now, asked, spool })
}

interface Prediction {
  readonly response: ServerResponse
  readonly route: LiveRoute
  readonly arm: LiveArm
  readonly id: string
  readonly now: number
  readonly asked: InferRequest
  readonly spool: PredictionSpool
}

async function predict(prediction: Prediction): Promise<void> {
  const { response, route, arm, id, asked } = prediction
  const { counter } = arm
  const started = performance.now()
  const headers = { 'tidegate-prediction-id': id, 'tidegate-version': arm.version, 'tidegate-arm': arm.arm }
  counter.requests++
  counter.inFlight++
  try {
    const outputs = await arm.keeper.predict(asked.inputs)
    const answer = writeInferResponse(
      { model: route.route.model, version: arm.version, id: asked.id ?? id },
      asked,
      outputs,
    )
    const latencyMs = performance.now() - started
    send(response, answer, headers)
    countLatency(counter, latencyMs)
    log(prediction, 200, latencyMs, outputs)
  } catch (error) {
    const latencyMs = performance.now() - started
    const status = sendError(response, error, headers)
    counter.errors++
    counter.lastError = (error as Error).message
    countLatency(counter, latencyMs)
    log(prediction, status, latencyMs, undefined, (error as Error).message)
  } finally {
    counter.inFlight--
  }
}

/** Users of a challenger whose host is not there are served by the champion; never the other way round. */
function pickArm(route: LiveRoute, request: IncomingMessage, id: string): LiveArm {
  const key = route.keyHeader === undefined ? undefined : header(request, route.keyHeader)
  const chosen = chooseArm(route.arms, route.route.salt, key ?? id)
  if (chosen.arm === 'champion' || chosen.keeper.state === 'ready') return chosen
  const champion = route.arms.find((arm) => arm.arm === 'champion')
  return champion?.keeper.state === 'ready' ? champion : chosen
}

/** Versions without traffic are not there for clients either. */
export function pickVersion(route: LiveRoute, version: string): LiveArm {
  const arm = route.arms.find((candidate) => candidate.version === version && candidate.weight > 0)
  if (arm === undefined)
    throw new AppError('NOT_FOUND', `version "${version}" of model "${route.route.model}" is not served here`)
  return arm
}

function send(
  response: ServerResponse,
  answer: ReturnType<typeof writeInferResponse>,
  headers: OutgoingHttpHeaders,
): void {
  if (answer.headerLength === undefined) return sendJson(response, 200, answer.body, headers)
  sendJson(response, 200, answer.body, {
    ...headers,
    'content-type': 'application/octet-stream',
    'inference-header-content-length': answer.headerLength,
  })
}

function log(
  prediction: Prediction,
  status: number,
  latencyMs: number,
  outputs?: readonly Tensor[],
  error?: string,
): void {
  const { route, arm, id, now, asked, spool } = prediction
  const settings = route.route.log
  if (settings === undefined || (settings.sample < 1 && Math.random() >= settings.sample)) return
  spool.append({
    facts: {
      id,
      at: now,
      project: route.route.project,
      environment: route.route.environment,
      model: route.route.model,
      version: arm.version,
      arm: arm.arm,
      weight: arm.weight,
      status,
      latencyMs: Math.round(latencyMs * 1_000) / 1_000,
      rows: asked.inputs[0]?.shape[0] ?? 1,
      ...(error === undefined ? {} : { error }),
    },
    ...(settings.inputs === 'all' ? { inputs: asked.inputs } : {}),
    ...(outputs === undefined ? {} : { outputs }),
    droppedColumns: arm.droppedColumns,
  })
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
