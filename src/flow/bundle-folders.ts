import { access, chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundleManifest } from '../core/bundle.ts'
import type { Digest } from '../core/digest.ts'
import { limit } from '../core/limits.ts'
import { modelUser } from '../core/model-user.ts'
import type { TaskArtifacts } from '../core/task.ts'
import type { HostSpec } from '../core/route-table.ts'
import { openWay } from '../lib/open-way.ts'

/**
 * The files of a bundle, restored once under `<data>/bundles/<hex>` and verified as they are written. The
 * folder appears by rename, so one that is there is whole; programs that bundles bring may read it, by name.
 */
export async function bundleFolder(
  artifacts: TaskArtifacts,
  dataFolder: string,
  bundle: Digest,
  manifest: BundleManifest,
): Promise<string> {
  const folder = folderOf(dataFolder, bundle)
  if (await exists(folder)) return folder
  await mkdir(join(folder, '..'), { recursive: true, mode: 0o711 })
  try {
    await artifacts.restore(manifest.files, folder)
    await chmod(folder, 0o755)
  } catch (error) {
    // Two hosts may want the same bundle at once; whoever was second finds it there.
    if (!(await exists(folder))) throw error
  }
  return folder
}

function folderOf(dataFolder: string, bundle: Digest): string {
  return join(dataFolder, 'bundles', bundle.replace('sha256:', ''))
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

interface DescribedHost {
  readonly id: string
  readonly bundle: Digest
  readonly manifest: BundleManifest
  readonly memoryBytes?: number | undefined
  readonly env: Readonly<Record<string, string>>
}

/** What a model host is told: everything it may know. Its files are in place. */
export async function hostSpec(artifacts: TaskArtifacts, dataFolder: string, host: DescribedHost): Promise<HostSpec> {
  const folder = await bundleFolder(artifacts, dataFolder, host.bundle, host.manifest)
  if (modelUser(folder) !== undefined) openWay(folder, dataFolder)
  return describeHost(dataFolder, host)
}

/** The same, whether or not its files are there: a host that runs already has read them. */
export function describeHost(dataFolder: string, host: DescribedHost): HostSpec {
  return {
    id: host.id,
    bundle: host.bundle,
    manifest: host.manifest,
    folder: folderOf(dataFolder, host.bundle),
    memoryBytes: host.memoryBytes ?? limit('hostMemoryBytes'),
    env: host.env,
  }
}
