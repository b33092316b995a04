import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http'
import type { Datatype, TensorSpec } from '../../../core/bundle.ts'
import type { Tensor } from '../../../core/ports/runtime.ts'
import { fromBytes } from '../tensors/binary.ts'
import { elementCount, isDatatype } from '../tensors/datatypes.ts'
import { binaryRequest, jsonRequest } from '../tensors/infer-body.ts'
import { fromJson } from '../tensors/json.ts'
import { errorText } from './error-text.ts'

/** Speaks the Open Inference Protocol to a program on this machine. */
export interface InferenceClient {
  infer(inputs: readonly Tensor[]): Promise<Tensor[]>
  metadata(): Promise<{ inputs: TensorSpec[]; outputs: TensorSpec[] }>
  close(): void
}

export interface InferenceClientOptions {
  readonly port: number
  readonly model: string
  /** `json` is what every server knows; `binary` keeps NaN and is for servers of our own. */
  readonly tensors: 'json' | 'binary'
  readonly connections: number
}

interface TensorJson {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly data?: unknown
  readonly parameters?: { readonly binary_data_size?: number }
}

export function createInferenceClient(options: InferenceClientOptions): InferenceClient {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections })
  const base = `/v2/models/${encodeURIComponent(options.model)}`
  const target = { agent, host: '127.0.0.1', port: options.port }
  return {
    async infer(inputs) {
      const { body, headers } = options.tensors === 'binary' ? binaryRequest(inputs) : jsonRequest(inputs)
      return readTensors(await exchange({ ...target, method: 'POST', path: `${base}/infer`, headers }, body))
    },
    async metadata() {
      const { body } = await exchange({ ...target, method: 'GET', path: base })
      const { inputs = [], outputs = [] } = readJson(body.toString()) as {
        inputs?: TensorSpec[]
        outputs?: TensorSpec[]
      }
      return { inputs: inputs.map(toSpec), outputs: outputs.map(toSpec) }
    },
    close: () => agent.destroy(),
  }
}

interface Answer {
  readonly body: Buffer
  readonly headerLength: number | undefined
}

async function exchange(options: RequestOptions, body?: Buffer): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request(options, resolve)
    asked.on('error', reject)
    asked.end(body)
  })
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const answer = Buffer.concat(chunks)
  if (response.statusCode !== 200) throw new Error(errorText(response.statusCode, answer.toString()))
  const length = response.headers['inference-header-content-length']
  return { body: answer, headerLength: typeof length === 'string' ? Number(length) : undefined }
}

function readTensors({ body, headerLength }: Answer): Tensor[] {
  const json = readJson(body.toString('utf8', 0, headerLength ?? body.length)) as { outputs?: TensorJson[] }
  let at = headerLength ?? body.length
  return (json.outputs ?? []).map((output) => {
    const { name, datatype, shape } = output
    const count = elementCount(shape)
    if (!isDatatype(datatype) || count === undefined)
      throw new Error(`output "${name}" has no valid datatype and shape`)
    const size = output.parameters?.binary_data_size
    if (size === undefined) return { name, datatype, shape, data: fromJson(name, datatype, count, output.data) }
    at += size
    return { name, datatype, shape, data: fromBytes(name, datatype, count, body.subarray(at - size, at)) }
  })
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`${errorText(200, text)}: an answer must be JSON`, { cause })
  }
}

function toSpec({ name, datatype, shape }: TensorSpec): TensorSpec {
  if (!isDatatype(datatype))
    throw new Error(`tensor "${name}" has the datatype ${JSON.stringify(datatype)}, which is none`)
  return { name, datatype, shape: shape.map(Number) }
}
