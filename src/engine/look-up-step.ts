import type { StepContext } from './engine-options.ts'
import type { Kernel } from './kernel.ts'
import type { PreparedStep } from './prepare-step.ts'
import { findCached, findRecentParts } from './step-cache.sql.ts'
import { explainMiss, type KeyParts } from './step-key.ts'
import { artifactsOf, parseOutputs, taskOutputOf, type StepOutputs } from './step-outputs.ts'

export type CacheAnswer =
  | { readonly kind: 'hit'; readonly outputs: StepOutputs; readonly why: string }
  | { readonly kind: 'miss'; readonly why: string }
  | { readonly kind: 'off'; readonly why: string | null }

/** Asks the step cache, and says why it answers so. A hit's outputs are all there. */
export async function lookUpStep(kernel: Kernel, prepared: PreparedStep): Promise<CacheAnswer> {
  const { cache, context } = prepared
  const known = await kernel.options.known?.({ ...context, inputs: prepared.inputs })
  const lost = known === undefined ? undefined : await whatIsGone(kernel, context, known.outputs)
  if (known !== undefined && lost === undefined) return { kind: 'hit', ...known }
  if (cache === undefined) return { kind: 'off', why: lost === undefined ? prepared.uncached : `made anew: ${lost}` }
  const { read } = kernel.options.database
  const row = await findCached(read, cache.scope, cache.key)
  if (row === undefined) {
    const recent = await findRecentParts(read, cache.scope, context.run.project, context.step.key)
    const known = recent.map((parts) => JSON.parse(parts) as KeyParts)
    return { kind: 'miss', why: explainMiss(cache.parts, known) }
  }
  const outputs = parseOutputs(row.outputs)
  const gone = await whatIsGone(kernel, context, outputs)
  // What others run is not theirs to see who may not see that project.
  const maker = row.project === context.run.project ? row.run_id : 'a run of another project'
  if (gone !== undefined) return { kind: 'miss', why: `${maker} made the same, but ${gone}` }
  return { kind: 'hit', outputs: { ...outputs, cachedFrom: maker }, why: `nothing changed since ${maker}` }
}

/** Why outputs cannot be used any more; undefined: they can. */
export async function whatIsGone(
  kernel: Kernel,
  context: StepContext,
  outputs: StepOutputs,
): Promise<string | undefined> {
  for (const ref of artifactsOf(outputs)) {
    const trouble = await kernel.options.artifactTrouble(ref)
    if (trouble !== undefined) return trouble
  }
  const { work } = context.step
  if (work.kind === 'command') return undefined
  return kernel.options.tasks[work.task]?.missing?.(taskOutputOf(outputs))
}
