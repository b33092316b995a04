import type { BundleManifest } from '../core/bundle.ts'
import { isDigest, type Digest } from '../core/digest.ts'
import { AppError } from '../core/errors.ts'
import { failureOf, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import type { ArtifactRef, Tree } from '../core/tree.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { defined } from '../pipeline/keys/scalars.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { billOfMaterials } from './bill-of-materials.ts'
import type { Image, Wheel } from './lineage.ts'

export type RegisterInput = TaskInputs['register'] & {
  readonly bundle: Digest
  /** For the bill of materials. */
  readonly lock?: ArtifactRef
  readonly python?: string
  readonly wheel?: Wheel
  readonly image?: Image
  readonly datasets: Readonly<Record<string, string>>
  readonly metrics: Readonly<Record<string, number>>
  readonly commit: string
}

export interface RegisterOutput extends TaskOutput {
  readonly result?: {
    readonly bundle: Digest
    readonly manifest: BundleManifest
    readonly sbom: Digest
    readonly wheel?: Wheel
    readonly image?: Image
  }
}

/**
 * The last look before a bundle becomes a version: everything it names is in the store, whole. The row is
 * written by `registerVersion` when the task has succeeded.
 */
export function createRegisterTask(): Task<RegisterInput, RegisterOutput> {
  return {
    name: 'register',
    async run(input, context) {
      const { bundle } = input
      try {
        const manifest = JSON.parse((await context.artifacts.read(bundle)).toString()) as BundleManifest
        const tree = await checkContent(manifest, context.artifacts)
        context.log(`${manifest.name}: bundle ${bundle} is complete`)
        const sbom = await context.artifacts.putBytes(await writeBill(input, manifest, tree, context.artifacts))
        return {
          result: { bundle, manifest, sbom: sbom.digest, ...defined({ wheel: input.wheel, image: input.image }) },
        }
      } catch (error) {
        return failureOf(error)
      }
    },
  }
}

async function writeBill(
  { bundle, lock, datasets, metrics, commit, ...known }: RegisterInput,
  manifest: BundleManifest,
  { files }: Tree,
  artifacts: TaskContext['artifacts'],
): Promise<string> {
  const text = lock === undefined ? undefined : (await artifacts.read(lock.digest)).toString()
  const more = defined({ lock: text, python: known.python, wheel: known.wheel, image: known.image })
  return canonicalJson(billOfMaterials({ bundle, manifest, files, datasets, metrics, commit, ...more }))
}

async function checkContent(manifest: BundleManifest, artifacts: TaskContext['artifacts']): Promise<Tree> {
  const tree = JSON.parse((await artifacts.read(manifest.files.digest)).toString()) as Tree
  if (!tree.files.some(({ path }) => path === manifest.modelPath || path.startsWith(`${manifest.modelPath}/`))) {
    throw new AppError('INVALID_INPUT', `The bundle does not hold its model, ${manifest.modelPath}.`)
  }
  const others = [manifest.lockDigest, manifest.reference?.digest, manifest.card?.digest].filter(
    (digest) => digest !== undefined,
  )
  for (const digest of new Set([...tree.files.map((file) => file.digest), ...others])) {
    if (isDigest(digest)) await artifacts.read(digest)
  }
  return tree
}
