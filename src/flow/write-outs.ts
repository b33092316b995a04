import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TaskArtifacts } from '../core/task.ts'
import type { StepRow } from '../db/tables.ts'
import { parseOutputs } from '../engine/step-outputs.ts'

/**
 * Writes what commands of a run have made below a folder, under the same paths as in their workspaces: outs,
 * metrics and reports, from the cache too. What stands there is replaced. Answers the paths.
 */
export async function writeOuts(
  artifacts: TaskArtifacts,
  steps: readonly StepRow[],
  folder: string,
): Promise<readonly string[]> {
  const made = steps
    .filter(({ kind, state, outputs }) => kind === 'command' && state === 'succeeded' && outputs !== null)
    .flatMap(({ outputs }) => {
      const { outs, kept } = parseOutputs(outputs ?? '')
      return Object.entries({ ...kept, ...outs })
    })
  for (const [path, ref] of made) {
    const target = join(folder, path)
    await rm(target, { recursive: true, force: true })
    await mkdir(dirname(target), { recursive: true })
    await artifacts.restore(ref, target)
  }
  return made.map(([path]) => path).toSorted()
}
