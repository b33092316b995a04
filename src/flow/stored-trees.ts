import { readTree } from '../artifacts/read.ts'
import { isDigest } from '../core/digest.ts'
import type { Store } from '../core/ports/store.ts'
import type { ArtifactRef, TreeFile } from '../core/tree.ts'
import type { RunRow } from '../db/tables.ts'

/** The engine's view of an artifact: a file is a tree of one, with no path below it. */
export async function filesOf(store: Store, ref: ArtifactRef): Promise<readonly TreeFile[]> {
  if (ref.kind === 'tree') return (await readTree(store, ref.digest)).files
  return [{ path: '', digest: ref.digest, size: ref.size, executable: false }]
}

/** The files of a run's commit. */
export async function sourceFilesOf(store: Store, run: Pick<RunRow, 'source_tree'>): Promise<readonly TreeFile[]> {
  return isDigest(run.source_tree) ? filesOf(store, { kind: 'tree', digest: run.source_tree, size: 0 }) : []
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
