import { AppError } from '../../core/errors.ts'
import type { Tensor } from '../../core/ports/runtime.ts'
import { toBytes } from '../../drivers/runtime/tensors/binary.ts'
import { toJson } from '../../drivers/runtime/tensors/json.ts'
import type { InferRequest } from './infer-request.ts'

export interface InferResponse {
  readonly body: string | Buffer
  /** Bytes of JSON in front of raw tensors, where there are any. */
  readonly headerLength?: number
}

/** Fails with INVALID_INPUT where the request names an output that is not there, before the model runs. */
export function checkOutputs(request: InferRequest, names: readonly string[]): void {
  if (names.length === 0) return
  for (const { name } of request.outputs ?? []) {
    if (!names.includes(name))
      throw new AppError('INVALID_INPUT', `the model has no output "${name}"; it has ${names.join(', ')}`)
  }
}

/** `id` is always there: KServe's client refuses an answer without it. */
export function writeInferResponse(
  about: { model: string; version: string; id: string },
  request: InferRequest,
  outputs: readonly Tensor[],
): InferResponse {
  const raw: Buffer[] = []
  const tensors = pick(request, outputs).map(({ tensor, binary }) => {
    const { name, datatype, shape } = tensor
    const head = `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join(',')}]`
    if (!binary) return `${head},"data":${toJson(tensor)}}`
    const bytes = toBytes(tensor)
    raw.push(bytes)
    return `${head},"parameters":{"binary_data_size":${bytes.length}}}`
  })
  const { model, version, id } = about
  const json = `{"model_name":${JSON.stringify(model)},"model_version":${JSON.stringify(version)},"id":${JSON.stringify(id)},"outputs":[${tensors.join(',')}]}`
  if (raw.length === 0) return { body: json }
  const header = Buffer.from(json)
  return { body: Buffer.concat([header, ...raw]), headerLength: header.length }
}

function pick(request: InferRequest, outputs: readonly Tensor[]): { tensor: Tensor; binary: boolean }[] {
  if (request.outputs === undefined || request.outputs.length === 0) {
    return outputs.map((tensor) => ({ tensor, binary: request.binaryOutput }))
  }
  return request.outputs.map(({ name, binary }) => {
    const tensor = outputs.find((output) => output.name === name)
    if (tensor === undefined) throw new AppError('INVALID_INPUT', `the model has no output "${name}"`)
    return { tensor, binary: binary ?? request.binaryOutput }
  })
}
