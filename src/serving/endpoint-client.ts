import { Agent, request, type IncomingMessage } from 'node:http'
import { AppError } from '../core/errors.ts'
import type { NumericData, Tensor } from '../core/ports/runtime.ts'
import { binaryRequest, jsonRequest, type InferBody } from '../drivers/runtime/tensors/infer-body.ts'

/** Asks a model behind the gateway, as its users do: over HTTP, with a token, on connections that stay open. */
export interface EndpointClient {
  /** JSON, as nearly every client sends it; bytes where a number is none that JSON has. */
  encode(inputs: readonly Tensor[]): InferBody
  /**
   * Resolves when the whole answer is here. Rejects with UPSTREAM: `details.reason` is `model` where it will be the
   * same the next time; there is none where nobody answers, or not yet.
   */
  ask(asked: InferBody, signal?: AbortSignal): Promise<void>
}

export interface EndpointAddress {
  /** Of the model: `<url>/infer` predicts. */
  readonly url: string
  readonly token: string
}

/** What is asked beyond these waits for one to be free: far fewer than the gateway lets wait for a host. */
const CONNECTIONS = 32

export function createEndpointClient({ url, token }: EndpointAddress): EndpointClient {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  return {
    encode: (inputs) => (inputs.every(isJson) ? jsonRequest(inputs) : binaryRequest(inputs)),
    ask: async ({ body, headers }, signal) => {
      const asking = { agent, headers: { ...headers, authorization: `Bearer ${token}` } }
      const { status, answer } = await exchange(`${url}/infer`, asking, body, signal)
      if (status !== 200) throw refused(status, answer.toString())
    },
  }
}

function isJson({ datatype, data }: Tensor): boolean {
  if (datatype === 'INT64' || datatype === 'UINT64') return (data as BigInt64Array).every((value) => isSafe(value))
  if (datatype !== 'FP16' && datatype !== 'FP32' && datatype !== 'FP64') return true
  return (data as Exclude<NumericData, BigInt64Array | BigUint64Array>).every((value) => Number.isFinite(value))
}

function isSafe(value: bigint): boolean {
  return Number.isSafeInteger(Number(value))
}

interface Asking {
  readonly agent: Agent
  readonly headers: Readonly<Record<string, string | number>>
}

async function exchange(
  url: string,
  { agent, headers }: Asking,
  body: Buffer,
  signal: AbortSignal | undefined,
): Promise<{ status: number; answer: Buffer }> {
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(
        url,
        { method: 'POST', agent, headers, ...(signal === undefined ? {} : { signal }) },
        resolve,
      )
      asked.on('error', reject)
      asked.end(body)
    })
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    return { status: response.statusCode ?? 0, answer: Buffer.concat(chunks) }
  } catch (cause) {
    signal?.throwIfAborted()
    const message = `the gateway did not answer: ${(cause as Error).message}`
    throw new AppError('UPSTREAM', message, {}, { cause })
  }
}

const NOT_NOW = 503

function refused(status: number, text: string): AppError {
  const message = `its endpoint answered with status ${status}: ${said(text)}`
  return new AppError('UPSTREAM', message, status === NOT_NOW ? {} : { reason: 'model' })
}

function said(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown }
    if (typeof error === 'string') return error
  } catch {
    // Not the gateway's own words: a proxy's, perhaps.
  }
  return text.slice(0, 500)
}
