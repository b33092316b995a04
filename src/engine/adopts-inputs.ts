import type { StepContext } from './engine-options.ts'

/**
 * Whether all that a step would read is as the run before left it. Where something had to be made again, because
 * its content was lost, what was made of it the last time is not taken over.
 */
export function adoptsInputs({ step, outputs }: StepContext): boolean {
  const read = step.needs.filter((need) => need.data || step.deps === undefined).map((need) => need.step)
  return read.every((key) => outputs.get(key)?.cachedFrom !== undefined || !outputs.has(key))
}
