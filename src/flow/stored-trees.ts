import { statSync } from 'node:fs'
import { readTree } from '../artifacts/read.ts'
import { isDigest, type Digest } from '../core/digest.ts'
import { isLostContent } from '../core/lost-content.ts'
import type { Store } from '../core/ports/store.ts'
import { fileAt, type ArtifactRef, type TreeFile } from '../core/tree.ts'
import type { RunRow } from '../db/tables.ts'

/** The engine's view of an artifact: a file is a tree of one, with no path below it. */
export async function filesOf(store: Store, ref: ArtifactRef): Promise<readonly TreeFile[]> {
  if (ref.kind === 'tree') return (await readTree(store, ref.digest)).files
  return [fileAt('', ref)]
}

/** The files of a run's commit. */
export async function sourceFilesOf(store: Store, run: Pick<RunRow, 'source_tree'>): Promise<readonly TreeFile[]> {
  return isDigest(run.source_tree) ? filesOf(store, { kind: 'tree', digest: run.source_tree, size: 0 }) : []
}

/**
 * Why the artifact, or a file of the tree, cannot be used; undefined: everything is there, with its size. What is in
 * it is looked at by who restores it.
 */
export async function artifactTrouble(store: Store, ref: ArtifactRef): Promise<string | undefined> {
  try {
    return await filesTrouble(store, await filesOf(store, ref))
  } catch (error) {
    if (isLostContent(error)) return whyLost(store, ref.digest)
    throw error
  }
}

/** The same for some of its files. */
export async function filesTrouble(store: Store, files: readonly TreeFile[]): Promise<string | undefined> {
  for (const { digest, size } of files) {
    const trouble = await contentTrouble(store, digest, size)
    if (trouble !== undefined) return trouble
  }
  return undefined
}

/** Of one file, or of a tree's own list of files. `size`: what it must have; negative: not known. */
export async function contentTrouble(store: Store, digest: Digest, size: number): Promise<string | undefined> {
  const found = sizeIn(store, digest) ?? (await store.has(digest))
  if (found === undefined) return whyLost(store, digest)
  if (size < 0 || found === size) return undefined
  await store.setAside(digest)
  return whyLost(store, digest)
}

/** Of a file of this machine at once: a folder has thousands, and each waits its turn otherwise. */
function sizeIn(store: Store, digest: Digest): number | undefined {
  if (store.localPath === undefined) return undefined
  return statSync(store.localPath(digest), { throwIfNoEntry: false })?.size
}

async function whyLost(store: Store, digest: Digest): Promise<string> {
  const isDamaged = await store.wasSetAside(digest)
  return isDamaged ? 'its outputs were damaged on the disk' : 'its outputs have been cleaned up'
}
