import { join } from 'node:path'
import type { BuildEnvironmentResult } from '../build/build-environment.ts'
import type { BundleManifest } from '../core/bundle.ts'
import type { Reader } from '../db/open-database.ts'
import { parseOutputs } from '../engine/step-outputs.ts'
import { getStep } from '../engine/steps.sql.ts'
import { environmentKey } from '../pipeline/task-keys.ts'

/** The environment a run's model was made in: the one it is served in. Undefined for a run without one. */
export async function environmentOfRun(reader: Reader, runId: string): Promise<BuildEnvironmentResult | undefined> {
  const step = await getStep(reader, runId, environmentKey())
  if (step === undefined || step.outputs === null) return undefined
  return parseOutputs(step.outputs).result as BuildEnvironmentResult | undefined
}

/** What the host of a run's bundle is started with; a bundle without a program of its own needs no environment. */
export async function hostEnvironmentOfRun(
  reader: Reader,
  manifest: BundleManifest,
  runId: string,
): Promise<Record<string, string>> {
  return hostEnvironment(manifest.runtime.kind === 'onnx' ? undefined : await environmentOfRun(reader, runId))
}

/** `HostSpec.env`: everything a bundle's program finds, and nothing of the server's. Whether the folder is there is seen at the start. */
export function hostEnvironment(
  environment: Pick<BuildEnvironmentResult, 'folder'> | undefined,
): Record<string, string> {
  const system = '/usr/local/bin:/usr/bin:/bin'
  if (environment === undefined) return { PATH: system, LANG: 'C.UTF-8' }
  const { folder } = environment
  return {
    PATH: `${join(folder, 'bin')}:${system}`,
    LANG: 'C.UTF-8',
    VIRTUAL_ENV: folder,
    PYTHONNOUSERSITE: '1',
    PYTHONDONTWRITEBYTECODE: '1',
  }
}
