import { mkdir, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { TaskArtifacts } from '../core/task.ts'
import type { StepRow } from '../db/tables.ts'
import { parseOutputs } from '../engine/step-outputs.ts'
import { IMAGE_KEY } from '../pipeline/task-keys.ts'

/**
 * Writes what the steps of a run have made below a folder, under the same paths as in their workspaces: outs,
 * metrics and reports, the wheel and the image, from the cache too. What stands there is replaced. Answers the paths.
 */
export async function writeOuts(
  artifacts: TaskArtifacts,
  steps: readonly StepRow[],
  folder: string,
): Promise<readonly string[]> {
  const made = steps
    .filter(({ kind, key }) => kind === 'command' || key === IMAGE_KEY)
    .filter(({ state, outputs }) => state === 'succeeded' && outputs !== null)
    .flatMap(({ outputs }) => {
      const { outs, kept } = parseOutputs(outputs ?? '')
      return Object.entries({ ...kept, ...outs })
    })
  for (const [path, ref] of made) {
    // A folder may be written with a slash at its end.
    const target = resolve(folder, path)
    await rm(target, { recursive: true, force: true })
    await mkdir(dirname(target), { recursive: true })
    await artifacts.restore(ref, target)
  }
  return made.map(([path]) => path).toSorted()
}
