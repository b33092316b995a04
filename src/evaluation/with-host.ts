import { join } from 'node:path'
import type { BundleManifest } from '../core/bundle.ts'
import { limit } from '../core/limits.ts'
import { modelUser } from '../core/model-user.ts'
import type { TaskContext } from '../core/task.ts'
import { openWay } from '../lib/open-way.ts'
import { withColumns, type EvaluatedModel, type OpenHost, type PredictingHost } from './ask-model.ts'

export interface AskedModel {
  readonly model: EvaluatedModel
  /** Of the table it is asked about. */
  readonly columns: readonly string[]
  readonly notFeatures: readonly string[]
  /** Names its folder and host; default: `candidate`. */
  readonly who?: string
}

/** A host of the model's own for as long as the work takes. */
export async function withHost<T>(
  { openHost, context }: { readonly openHost: OpenHost; readonly context: TaskContext },
  { model, columns, notFeatures, who = 'candidate' }: AskedModel,
  work: (host: PredictingHost, manifest: BundleManifest) => Promise<T>,
): Promise<T> {
  const manifest = withColumns(model.manifest, columns, notFeatures)
  const folder = join(context.workspace, `.tidegate-${who}`)
  await context.artifacts.restore(manifest.files, folder)
  if (modelUser(folder) !== undefined) openWay(folder, context.dataFolder)
  const memoryBytes = model.memoryBytes ?? limit('hostMemoryBytes')
  const host = await openHost(
    { id: who, bundle: model.bundle, manifest, folder, memoryBytes, env: model.env ?? {} },
    { signal: context.signal, log: (line) => context.log(`${who}: ${line}`) },
  )
  try {
    return await work(host, manifest)
  } finally {
    await host.close()
  }
}
