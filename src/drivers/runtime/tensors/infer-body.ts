import type { Tensor } from '../../../core/ports/runtime.ts'
import { toBytes } from './binary.ts'
import { toJson } from './json.ts'

/** What is sent to `/infer`. */
export interface InferBody {
  readonly body: Buffer
  readonly headers: Readonly<Record<string, string | number>>
}

export function jsonRequest(inputs: readonly Tensor[]): InferBody {
  const tensors = inputs.map((input) => `${head(input)},"data":${toJson(input)}}`)
  const body = Buffer.from(`{"inputs":[${tensors.join(',')}]}`)
  return { body, headers: { 'content-type': 'application/json', 'content-length': body.length } }
}

/** For what JSON cannot carry; the answer's tensors are then bytes, too. */
export function binaryRequest(inputs: readonly Tensor[]): InferBody {
  const raw = inputs.map(toBytes)
  const tensors = inputs.map((input, i) => `${head(input)},"parameters":{"binary_data_size":${raw[i]?.length ?? 0}}}`)
  const header = Buffer.from(`{"parameters":{"binary_data_output":true},"inputs":[${tensors.join(',')}]}`)
  const body = Buffer.concat([header, ...raw])
  return { body, headers: { 'content-length': body.length, 'inference-header-content-length': header.length } }
}

function head({ name, datatype, shape }: Tensor): string {
  return `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join(',')}]`
}
