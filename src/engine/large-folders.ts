import { limit } from '../core/limits.ts'
import type { PlanStep } from '../core/plan.ts'
import type { FolderInput } from '../core/ports/executor.ts'
import type { TreeFile } from '../core/tree.ts'
import { isAtOrBelow } from '../lib/is-at-or-below.ts'
import type { PlacedOutput } from './select-inputs.ts'

/**
 * Of a step's inputs, the large folders that it sees whole and as another step left them, and into which it promises
 * to write nothing.
 */
export function largeFolders(
  step: PlanStep,
  inputs: readonly TreeFile[],
  outputs: readonly PlacedOutput[],
): readonly FolderInput[] {
  const large = outputs.filter(({ ref, files }) => ref.kind === 'tree' && isLarge(files))
  if (large.length === 0) return []
  const written = writtenBy(step)
  return large
    .map(({ path, ref, files }) => ({ path: path.replace(/\/+$/, ''), tree: ref, files }))
    .filter(({ path, files }) => isAsItWas(path, files, inputs) && !written.some((other) => overlap(path, other)))
    .map(({ path, tree }) => ({ path, tree }))
}

function isLarge(files: readonly TreeFile[]): boolean {
  return (
    files.length >= limit('mountedFiles') || files.reduce((sum, { size }) => sum + size, 0) >= limit('mountedBytes')
  )
}

/** A dep may name a part of it; a later step may have written into it. */
function isAsItWas(path: string, files: readonly TreeFile[], inputs: readonly TreeFile[]): boolean {
  const below = inputs.filter((file) => isAtOrBelow(file.path, path))
  if (below.length !== files.length) return false
  const digests = new Map(files.map((file) => [`${path}/${file.path}`, file.digest]))
  return below.every((file) => digests.get(file.path) === file.digest)
}

/** Up to the first wildcard. */
function writtenBy({ outs, metrics, reports, checkpoint = [] }: PlanStep): string[] {
  const paths = [...outs, ...metrics, ...(reports.junit ?? []), ...(reports.coverage ?? []), ...checkpoint]
  return paths.map((path) =>
    path
      .replace(/^\.\//, '')
      .replace(/[*?[{].*$/, '')
      .replace(/\/+$/, ''),
  )
}

function overlap(folder: string, written: string): boolean {
  return isAtOrBelow(written, folder) || isAtOrBelow(folder, written)
}

/** What is left to be put into the workspace file by file. */
export function besideFolders(inputs: readonly TreeFile[], folders: readonly FolderInput[]): readonly TreeFile[] {
  if (folders.length === 0) return inputs
  return inputs.filter((file) => !folders.some(({ path }) => isAtOrBelow(file.path, path)))
}
