import { join } from 'node:path'
import { AppError } from '../../../core/errors.ts'
import type { LoadedModel, LoadOrder, Runtime } from '../../../core/ports/runtime.ts'
import { createInferenceClient } from './inference-client.ts'
import { PREDICT_HOST } from './predict-host.ts'
import { letDeathTell, startProgram } from './start-program.ts'

/** The model host's own deadline for loading comes first; this one only ends the wait of a host that nobody watches. */
const READY_TIMEOUT_MS = 600_000

/** A Python class with `load(path)` and `predict(DataFrame)`, or an MLflow model, hosted by a small program of ours in its environment. */
export const predictRuntime: Runtime = {
  async load(order: LoadOrder): Promise<LoadedModel> {
    const { runtime, name, modelPath, signature } = order.manifest
    if (runtime.kind !== 'predict' && runtime.kind !== 'mlflow')
      throw new AppError('INTERNAL', `not a predict bundle: ${runtime.kind}`)
    const model = {
      folder: order.folder,
      path: join(order.folder, modelPath),
      ...(runtime.kind === 'predict' ? { entry: runtime.entry } : { mlflow: runtime.loader }),
      columns: signature.columns,
      outputs: signature.outputs.map((output) => output.name),
    }
    const program = await startProgram({
      command: runtime.python,
      args: ['-u', '-c', PREDICT_HOST],
      folder: order.folder,
      env: { ...order.env, TIDEGATE_MODEL: JSON.stringify(model) },
      readyPath: '/v2/health/ready',
      readyTimeoutMs: READY_TIMEOUT_MS,
      log: (line) => order.log(line),
    })
    // One connection: the class need not be safe for threads.
    const client = createInferenceClient({ port: program.port, model: name, tensors: 'binary', connections: 1 })
    return {
      inputs: [],
      outputs: [],
      concurrency: 1,
      predict: (tensors) => client.infer(tensors).catch((error: unknown) => letDeathTell(program, error)),
      died: program.died.then((how) => `the model's program ${how}`),
      async unload() {
        client.close()
        await program.stop()
      },
    }
  },
}
