import type { RuntimeSpec, TensorSpec } from '../../core/bundle.ts'
import { limit } from '../../core/limits.ts'
import { openHost, type HostOptions } from './open-host.ts'

export interface InspectOptions extends HostOptions {
  readonly memoryBytes?: number
  /** For `predict` and `serve`: see `HostSpec.env`. */
  readonly env?: Readonly<Record<string, string>>
  /** What a `serve` program calls its model. */
  readonly name?: string
}

/**
 * The tensors of a model, found by loading it in a model host that is thrown away. A file that does not
 * load, never finishes loading or eats memory is an INVALID_INPUT with the reason, and harms nobody else.
 * A Python class (`predict`) says nothing about its tensors: both lists are empty.
 */
export async function inspectModel(
  folder: string,
  modelPath: string,
  runtime: RuntimeSpec,
  options: InspectOptions = {},
): Promise<{ inputs: readonly TensorSpec[]; outputs: readonly TensorSpec[] }> {
  const name = options.name ?? modelPath
  const signature = { inputs: [], outputs: [], columns: {}, answer: { prediction: '' } }
  const manifest = {
    version: 1,
    name,
    files: { kind: 'tree', digest: 'sha256:', size: 0 },
    modelPath,
    runtime,
    signature,
  } as const
  await using host = await openHost(
    {
      id: 'inspect',
      bundle: 'sha256:',
      manifest,
      folder,
      memoryBytes: options.memoryBytes ?? limit('hostMemoryBytes'),
      env: options.env ?? {},
    },
    options,
  )
  return { inputs: host.inputs, outputs: host.outputs }
}
