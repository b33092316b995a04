import { dirname } from 'node:path/posix'
import type { PlanStep } from '../core/plan.ts'
import type { TreeFile } from '../core/tree.ts'

/**
 * Folders that the step's outputs and reports are promised in, and which are there for whoever runs its command in the
 * commit, but hold nothing that its `deps` name: `outs: [data/train.csv]` beside `data/raw.csv`. A folder that the commit
 * does not have is not made, since the command may do that itself.
 */
export function hiddenOutFolders(
  step: Pick<PlanStep, 'outs' | 'metrics' | 'reports'>,
  all: ReadonlyMap<string, TreeFile>,
  seen: readonly TreeFile[],
): string[] {
  const { junit = [], coverage = [] } = step.reports
  const promised = [...step.outs, ...step.metrics, ...junit, ...coverage].map((path) =>
    dirname(path.replace(/\/+$/, '')),
  )
  const hold = (files: IteratorObject<TreeFile>, folder: string) =>
    files.some(({ path }) => path.startsWith(`${folder}/`))
  return [...new Set(promised)].filter((folder) => !hold(seen.values(), folder) && hold(all.values(), folder)).sort()
}
