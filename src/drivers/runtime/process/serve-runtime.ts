import { AppError } from '../../../core/errors.ts'
import type { LoadedModel, LoadOrder, Runtime } from '../../../core/ports/runtime.ts'
import { createInferenceClient } from './inference-client.ts'
import { letDeathTell, startProgram } from './start-program.ts'

const CONCURRENCY = 16

/** A program of the author's that speaks the Open Inference Protocol on `$PORT`, in the bundle's folder. */
export const serveRuntime: Runtime = {
  async load(order: LoadOrder): Promise<LoadedModel> {
    const { runtime, name } = order.manifest
    if (runtime.kind !== 'serve') throw new AppError('INTERNAL', `not a serve bundle: ${runtime.kind}`)
    const { readyPath, readyTimeoutMs } = runtime
    const program = await startProgram({
      command: '/bin/sh',
      args: ['-c', runtime.run],
      folder: order.folder,
      env: withFolders(order, runtime.path),
      readyPath,
      readyTimeoutMs,
      log: (line) => order.log(line),
    })
    const client = createInferenceClient({ port: program.port, model: name, tensors: 'json', connections: CONCURRENCY })
    const { inputs, outputs } = await client.metadata().catch(async (cause: Error) => {
      await program.stop()
      throw new AppError(
        'INVALID_INPUT',
        `the program does not describe its model at /v2/models/${name}: ${cause.message}`,
        {},
        { cause },
      )
    })
    return {
      inputs,
      outputs,
      concurrency: CONCURRENCY,
      predict: (tensors) => client.infer(tensors).catch((error: unknown) => letDeathTell(program, error)),
      died: program.died.then((how) => `the model's program ${how}`),
      async unload() {
        client.close()
        await program.stop()
      },
    }
  },
}

function withFolders(order: LoadOrder, folders: readonly string[]): Record<string, string> {
  const path = [...folders, order.env.PATH ?? '/usr/bin:/bin'].join(':')
  return { ...order.env, PATH: path }
}
