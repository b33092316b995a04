import { lostBelow } from '../artifacts/lost-files.ts'
import { readTree } from '../artifacts/read.ts'
import { shareFolder } from '../artifacts/shared-folder.ts'
import type { AttemptOrder, FolderInput } from '../core/ports/executor.ts'
import type { Store } from '../core/ports/store.ts'
import type { TreeFile } from '../core/tree.ts'
import type { LogFile } from './log-file.ts'
import { whyNoMounts, type Mount } from './mount-folders.ts'

/** How large folders come into the workspace: as mounts, or as files like all others. */
export interface PlacedFolders {
  readonly mounts: readonly Mount[]
  readonly files: readonly TreeFile[]
}

/** Copied where they cannot be mounted; the log says why. */
export async function placeFolders(
  order: AttemptOrder,
  store: Store,
  log: LogFile,
  signal: AbortSignal,
): Promise<PlacedFolders> {
  const { folders = [], storeFolder } = order
  if (folders.length === 0) return { mounts: [], files: [] }
  const names = folders.map(({ path }) => path).join(', ')
  const why = await whyNoMounts(order)
  if (why !== undefined) {
    log.note(`${names} is copied, which takes a while, because it cannot be mounted: ${why}`)
    return { mounts: [], files: (await Promise.all(folders.map((folder) => filesOf(store, folder)))).flat() }
  }
  const mounts: Mount[] = []
  for (const { path, tree } of folders) {
    const sharing = shareFolder(store, storeFolder, tree.digest, signal)
    mounts.push({ path, source: await sharing.catch((error: unknown) => Promise.reject(lostBelow(path, error))) })
  }
  log.note(`${names} can only be read: mounted, and not copied`)
  return { mounts, files: [] }
}

async function filesOf(store: Store, { path, tree }: FolderInput): Promise<TreeFile[]> {
  return (await readTree(store, tree.digest)).files.map((file) => ({ ...file, path: `${path}/${file.path}` }))
}
