import type { PlanStep } from '../core/plan.ts'
import { IMAGE_KEY, PACKAGE_KEY } from '../pipeline/task-keys.ts'

/** The first day that a zip file, and so a wheel, can hold. */
const FIRST_DAY_SECONDS = 315_532_800

/**
 * What is made of a commit bears the commit's own time, so that it is the same whenever it is made. It is no
 * part of a cache key: files that did not change give no other wheel because a later commit has them too.
 */
export async function buildDate(
  { key }: Pick<PlanStep, 'key'>,
  committedAt: () => Promise<number | undefined>,
): Promise<Readonly<Record<string, string>>> {
  if (key !== PACKAGE_KEY && key !== IMAGE_KEY) return {}
  const seconds = Math.floor(((await committedAt()) ?? 0) / 1_000)
  return { SOURCE_DATE_EPOCH: String(Math.max(seconds, FIRST_DAY_SECONDS)) }
}
