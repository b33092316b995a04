import type { BundleManifest } from '../core/bundle.ts'
import type { Digest } from '../core/digest.ts'
import type { Reader } from '../db/open-database.ts'
import { listOutputs } from '../engine/steps.sql.ts'
import { parseOutputs } from '../engine/step-outputs.ts'
import { findVersionByBundle, type ModelVersion } from '../registry/versions.sql.ts'

export interface MadeBundle {
  readonly bundle: Digest
  readonly manifest: BundleManifest
}

/** The version a run registered: the one its bundle is, also when an earlier run made the same bundle first. */
export async function versionOfRun(
  reader: Reader,
  run: { id: string; project: string },
): Promise<ModelVersion | undefined> {
  const [registered] = await listOutputs(reader, run.id, ['registration'])
  if (registered === undefined) return undefined
  const { bundle } = parseOutputs(registered.outputs).result as MadeBundle
  return findVersionByBundle(reader, run.project, bundle)
}
