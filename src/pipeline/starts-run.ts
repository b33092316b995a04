import type { ExpressionContext } from './expression.ts'
import { matchesGlob } from './glob.ts'
import type { ConcurrencySpec, Pipeline, TriggerFilter } from './pipeline.ts'
import { fillTemplate } from './template.ts'

export interface Trigger {
  readonly event: 'push' | 'pull-request'
  /** Of a pull request: the branch it wants to go to. */
  readonly branch: string
  readonly tag?: string
  /** Absent or empty: not known, so filters on paths let it through. */
  readonly changedFiles?: readonly string[]
}

/**
 * Whether `on:` wants a run for this. A pushed tag starts one only where `on.push.tags` names it; where only tags
 * are named, branches start none (as GitHub Actions has it: who releases by tags does not want a run for each push).
 */
export function startsRun({ on }: Pipeline, trigger: Trigger): boolean {
  const filter = trigger.event === 'push' ? on.push : on.pullRequest
  if (filter === undefined) return false
  if (trigger.tag !== undefined) return matchesAny(filter.tags ?? [], trigger.tag)
  return branchPasses(filter, trigger.branch) && pathsPass(filter, trigger.changedFiles ?? [])
}

function branchPasses({ branches, branchesIgnore, tags }: TriggerFilter, branch: string): boolean {
  if (tags !== undefined && branches === undefined && branchesIgnore === undefined) return false
  return (branches === undefined || matchesAny(branches, branch)) && !matchesAny(branchesIgnore ?? [], branch)
}

function pathsPass({ paths, pathsIgnore }: TriggerFilter, changed: readonly string[]): boolean {
  if (changed.length === 0) return true
  const counted = changed.filter((path) => !matchesAny(pathsIgnore ?? [], path))
  return counted.some((path) => paths === undefined || matchesAny(paths, path))
}

function matchesAny(globs: readonly string[], name: string): boolean {
  return globs.some((glob) => matchesGlob(glob, name))
}

/** The group a run belongs to, with its expressions filled in; one whose name comes out empty is none. */
export function concurrencyGroup(
  { concurrency }: Pick<Pipeline, 'concurrency'>,
  context: ExpressionContext,
): ConcurrencySpec | undefined {
  if (concurrency === undefined) return undefined
  const group = fillTemplate(concurrency.group, context)
  return group.trim() === '' ? undefined : { ...concurrency, group }
}
