import type { BundleManifest } from '../core/bundle.ts'
import { isDigest, type Digest } from '../core/digest.ts'
import { AppError } from '../core/errors.ts'
import { failureOf, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import type { Tree } from '../core/tree.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'

export type RegisterInput = TaskInputs['register'] & {
  readonly bundle: Digest
}

export interface RegisterOutput extends TaskOutput {
  readonly result?: { readonly bundle: Digest; readonly manifest: BundleManifest }
}

/**
 * The last look before a bundle becomes a version: everything it names is in the store, whole. The row is
 * written by `registerVersion` when the task has succeeded.
 */
export function createRegisterTask(): Task<RegisterInput, RegisterOutput> {
  return {
    name: 'register',
    async run({ bundle }, context) {
      try {
        const manifest = JSON.parse((await context.artifacts.read(bundle)).toString()) as BundleManifest
        await checkContent(manifest, context.artifacts)
        context.log(`${manifest.name}: bundle ${bundle} is complete`)
        return { result: { bundle, manifest } }
      } catch (error) {
        return failureOf(error)
      }
    },
  }
}

async function checkContent(manifest: BundleManifest, artifacts: TaskContext['artifacts']): Promise<void> {
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
}
