import { isLostContent } from '../core/lost-content.ts'
import type { CompletionRecord } from '../core/ports/executor.ts'
import type { RunRow } from '../db/tables.ts'
import { isAtOrBelow } from '../lib/is-at-or-below.ts'
import { trimSlash } from '../pipeline/connect-steps.ts'
import type { AttemptContext } from './engine-options.ts'
import type { Kernel } from './kernel.ts'

/** Where work meets content that is damaged or gone, the files of the commit are taken from git again, and it is done once more. */
export async function withMendedSource<T>(kernel: Kernel, run: RunRow, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isLostContent(error) || (await kernel.options.mendSource?.(run)) !== true) throw error
    return work()
  }
}

/** A disk that damages as fast as we mend is not to be worked on. */
const MOST_MENDED = 5

/** Whether what an attempt missed is there again, so that another attempt will find it. */
export async function mendInputs(
  kernel: Kernel,
  { run, attempt }: AttemptContext,
  { lost = [] }: CompletionRecord,
): Promise<boolean> {
  if (lost.length === 0 || attempt.number > MOST_MENDED) return false
  if ((await kernel.options.mendSource?.(run)) !== true) return false
  for (const { digest } of lost) {
    const trouble = await kernel.options.artifactTrouble({ kind: 'file', digest, size: -1 })
    if (trouble !== undefined) return false
  }
  return true
}

/** Of an attempt that met damaged content: whose it is, and what makes it again. */
export function explainDamage(
  { options }: Kernel,
  { run, plan, outputs }: AttemptContext,
  { lost = [] }: CompletionRecord,
): string {
  const [first] = lost
  const maker = plan.steps.find(({ key }) =>
    Object.keys(outputs.get(key)?.outs ?? {}).some((out) => isAtOrBelow(first?.path ?? '', trimSlash(out))),
  )
  if (first === undefined || maker === undefined) return 'Run this run again: what can be made again is made again.'
  const { work } = maker
  const remedy = work.kind === 'task' ? options.tasks[work.task]?.remedy?.(run.project, work.input) : undefined
  if (remedy !== undefined) return remedy
  const by = outputs.get(maker.key)?.cachedFrom ?? run.id
  return `Step ${maker.key} of ${by} made ${first.path}. Run this run again: ${maker.key} runs again then, because its outputs are not whole.`
}
