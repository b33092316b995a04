import { readTree } from '../artifacts/read.ts'
import type { Store } from '../core/ports/store.ts'
import type { ArtifactRef, TreeFile } from '../core/tree.ts'

/** The engine's view of an artifact: a file is a tree of one, with no path below it. */
export async function filesOf(store: Store, ref: ArtifactRef): Promise<readonly TreeFile[]> {
  if (ref.kind === 'tree') return (await readTree(store, ref.digest)).files
  return [{ path: '', digest: ref.digest, size: ref.size, executable: false }]
}

/** Whether the artifact, and every file of a tree, is still stored. */
export async function isWhole(store: Store, ref: ArtifactRef): Promise<boolean> {
  if ((await store.has(ref.digest)) === undefined) return false
  if (ref.kind === 'file') return true
  for (const file of (await readTree(store, ref.digest)).files) {
    if ((await store.has(file.digest)) === undefined) return false
  }
  return true
}
