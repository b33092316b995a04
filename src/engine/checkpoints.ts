import type { CheckpointOrder } from '../core/ports/executor.ts'
import { fileAt, type ArtifactRef, type TreeFile } from '../core/tree.ts'
import type { AttemptRow } from '../db/tables.ts'
import { attemptPlace } from './attempt-place.ts'
import { listAttemptsBefore } from './attempts.sql.ts'
import type { AttemptContext } from './engine-options.ts'
import type { Kernel } from './kernel.ts'
import { getRun } from './runs.sql.ts'
import { getStep } from './steps.sql.ts'

/** So many reruns of reruns are looked at. */
const MOST_RUNS = 10

/**
 * What an attempt may begin with: what the last one of its step left in the folders of `checkpoint`, in this run
 * or in the one it is a rerun of. A step that succeeded left nothing, and neither did one that saw other inputs.
 */
export async function checkpointFor(
  kernel: Kernel,
  context: AttemptContext,
): Promise<{ readonly checkpoint?: CheckpointOrder }> {
  const { checkpoint: paths } = context.step
  if (paths === undefined) return {}
  const before = await attemptsBefore(kernel, context)
  const left = before.find(({ checkpoint }) => checkpoint !== null)
  const refs = left?.checkpoint == null ? {} : (JSON.parse(left.checkpoint) as Record<string, ArtifactRef>)
  const files = (await Promise.all(Object.entries(refs).map(([path, ref]) => filesAt(kernel, path, ref)))).flat()
  const [last] = before
  const lost = last?.state === 'lost' ? await workspaceOf(kernel, last) : undefined
  return { checkpoint: { paths, files, ...(lost === undefined ? {} : { lostWorkspace: lost }) } }
}

/** Newest first, back to the first that succeeded. */
async function attemptsBefore(kernel: Kernel, { run, step, attempt }: AttemptContext): Promise<AttemptRow[]> {
  const { read } = kernel.options.database
  const own = await getStep(read, run.id, step.key)
  const found = await listAttemptsBefore(read, run.id, step.key, attempt.number)
  let parent = run.parent_run
  for (let runs = 0; parent !== null && runs < MOST_RUNS; runs++) {
    const row = await getStep(read, parent, step.key)
    if (row === undefined || row.state === 'succeeded') break
    const sameInputs = row.cache_key === own?.cache_key
    if (sameInputs) found.push(...(await listAttemptsBefore(read, parent, step.key, Number.MAX_SAFE_INTEGER)))
    parent = (await getRun(read, parent))?.parent_run ?? null
  }
  return found
}

async function workspaceOf({ options }: Kernel, attempt: AttemptRow): Promise<string | undefined> {
  const run = await getRun(options.database.read, attempt.run_id)
  return run === undefined ? undefined : attemptPlace(options.dataFolder, run, attempt.step, attempt.number).workspace
}

/** Empty, where it has been cleaned up meanwhile: the attempt begins anew then. */
async function filesAt(kernel: Kernel, path: string, ref: ArtifactRef): Promise<TreeFile[]> {
  if ((await kernel.options.artifactTrouble(ref)) !== undefined) return []
  if (ref.kind === 'file') return [fileAt(path, ref)]
  const folder = path.replace(/\/$/, '')
  return (await kernel.filesOf(ref)).map((file) => ({ ...file, path: `${folder}/${file.path}` }))
}
