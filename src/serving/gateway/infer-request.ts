import type { TensorSpec } from '../../core/bundle.ts'
import { AppError } from '../../core/errors.ts'
import type { Tensor } from '../../core/ports/runtime.ts'
import { fromBytes } from '../../drivers/runtime/tensors/binary.ts'
import { ARRAYS } from '../../core/tensor-arrays.ts'
import { elementCount, isDatatype } from '../../drivers/runtime/tensors/datatypes.ts'
import { fromJson } from '../../drivers/runtime/tensors/json.ts'

/** A request of the Open Inference Protocol, read and whole, not yet compared with a signature. */
export interface InferRequest {
  readonly id?: string
  readonly inputs: readonly Tensor[]
  /** Absent: all outputs. */
  readonly outputs?: readonly { readonly name: string; readonly binary?: boolean }[]
  /** For outputs that do not say themselves. */
  readonly binaryOutput: boolean
}

type Json = Readonly<Record<string, unknown>>

/**
 * `headerLength` is `Inference-Header-Content-Length`: the bytes of JSON in front of raw tensors. It alone
 * says how the body is read, because real clients leave Content-Type out. 0 means that the body is the
 * only input's data and nothing else. Unknown fields are fine. Fails with INVALID_INPUT.
 */
export function readInferRequest(
  body: Buffer,
  headerLength: string | undefined,
  specs: readonly TensorSpec[],
): InferRequest {
  const length = headerLength === undefined ? body.length : Number(headerLength)
  if (!Number.isInteger(length) || length < 0 || length > body.length) {
    throw refuse(`Inference-Header-Content-Length is ${headerLength}, but the body has ${body.length} bytes`)
  }
  if (headerLength !== undefined && length === 0) return { inputs: [readRaw(body, specs)], binaryOutput: true }
  const json = parse(body.toString('utf8', 0, length))
  const outputs = readOutputs(json.outputs)
  return {
    ...(typeof json.id === 'string' ? { id: json.id } : {}),
    inputs: readInputs(json.inputs, body.subarray(length)),
    ...(outputs === undefined ? {} : { outputs }),
    binaryOutput: parameters(json).binary_data_output === true,
  }
}

function parse(text: string): Json {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    const hint = /\b(NaN|Infinity)\b/.test(text)
      ? ' (JSON has no NaN and no Infinity: send such tensors as binary data)'
      : ''
    throw new AppError('INVALID_INPUT', `the request is not JSON: ${(cause as Error).message}${hint}`, {}, { cause })
  }
  if (!isObject(json)) throw refuse('the request is not a JSON object')
  return json
}

function readInputs(list: unknown, rest: Buffer): Tensor[] {
  if (!Array.isArray(list) || list.length === 0) throw refuse('"inputs" must be a list of tensors')
  let at = 0
  const inputs = list.map((input: unknown) => {
    if (!isObject(input)) throw refuse('an input is not an object')
    const size = binarySize(input)
    const tensor = readInput(input, size === undefined ? undefined : rest.subarray(at, at + size))
    at += size ?? 0
    return tensor
  })
  if (at !== rest.length)
    throw refuse(`the inputs' binary_data_size add up to ${at}, but ${rest.length} bytes follow the JSON`)
  return inputs
}

function readInput(input: Json, bytes: Buffer | undefined): Tensor {
  const { name, datatype, shape } = input
  if (typeof name !== 'string') throw refuse('an input has no name')
  if (!isDatatype(datatype)) throw refuse(`input "${name}" has the datatype ${JSON.stringify(datatype)}, which is none`)
  const count = Array.isArray(shape) ? elementCount(shape) : undefined
  if (count === undefined) throw refuse(`input "${name}" has the shape ${JSON.stringify(shape)}, which is none`)
  const data =
    bytes === undefined ? fromJson(name, datatype, count, input.data) : fromBytes(name, datatype, count, bytes)
  return { name, datatype, shape: shape as number[], data }
}

function binarySize(input: Json): number | undefined {
  const size = parameters(input).binary_data_size
  if (size === undefined) return undefined
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw refuse(`binary_data_size is ${JSON.stringify(size)}`)
  return size
}

function readOutputs(list: unknown): InferRequest['outputs'] {
  if (list === undefined || list === null) return undefined
  if (!Array.isArray(list)) throw refuse('"outputs" must be a list')
  return list.map((output: unknown) => {
    if (!isObject(output) || typeof output.name !== 'string') throw refuse('an output has no name')
    const { binary_data: binary } = parameters(output)
    return typeof binary === 'boolean' ? { name: output.name, binary } : { name: output.name }
  })
}

/** The whole body as the only input: its one free dimension follows from the number of bytes. */
function readRaw(body: Buffer, specs: readonly TensorSpec[]): Tensor {
  const [spec] = specs
  if (spec === undefined || specs.length !== 1) throw refuse('a body without JSON needs a model with exactly one input')
  const { name, datatype } = spec
  if (datatype === 'BYTES') return { name, datatype, shape: spec.shape.map(() => 1), data: [body.toString('utf8')] }
  const count = body.length / ARRAYS[datatype].BYTES_PER_ELEMENT
  const fixed = spec.shape.filter((size) => size !== -1).reduce((product, size) => product * size, 1)
  const shape = spec.shape.map((size) => (size === -1 ? count / fixed : size))
  if (elementCount(shape) !== count)
    throw refuse(`${body.length} bytes do not fill input "${name}" of shape [${spec.shape.join(',')}]`)
  return { name, datatype, shape, data: fromBytes(name, datatype, count, body) }
}

function parameters(of: Json): Json {
  return isObject(of.parameters) ? of.parameters : {}
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refuse(message: string): AppError {
  return new AppError('INVALID_INPUT', message)
}
