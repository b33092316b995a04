import type { Problem } from '../core/problem.ts'
import type { ProblemAt } from './check-pipeline.ts'
import { readCommand, type CommandFiles } from './command-files.ts'
import { trimSlash } from './connect-steps.ts'
import { isGlob } from './glob.ts'
import { missingScripts, withFolders, type StartedFiles } from './missing-scripts.ts'
import type { Pipeline, StepSpec } from './pipeline.ts'

/**
 * What the step `sources` of a run would refuse, told before the push; a missing dep is told as such. `perhapsMade`
 * as in a plan's context.
 */
export function unknownScripts(
  { steps, data }: Pipeline,
  files: readonly string[] | undefined,
  perhapsMade: readonly string[],
  problemAt: ProblemAt,
): Problem[] {
  const made = [...steps.flatMap(({ outs, metrics }) => [...outs, ...metrics]), ...data.map(({ path }) => path)]
  const folders = [...made, ...perhapsMade].map(fixedPart)
  if (files === undefined || folders.includes('')) return []
  const present = withFolders([...files, ...folders])
  const started = steps.map((step) => startedBy(step, present))
  const depsOf = new Map(steps.map(({ name, deps = [] }) => [name, deps]))
  return missingScripts(started, files, folders)
    .filter(({ step, path, kind }) => kind === 'unseen' || depsOf.get(step)?.includes(path) !== true)
    .slice(0, MOST_PROBLEMS)
    .map(({ step, message }) => problemAt(['steps', step, 'run'], message))
}

const MOST_PROBLEMS = 100

function startedBy({ name, run, deps }: StepSpec, present: ReadonlySet<string>): StartedFiles {
  // A dep that is nowhere may have been meant for the script.
  const isKnown = deps !== undefined && deps.every((dep) => isGlob(dep) || present.has(trimSlash(dep)))
  return { step: name, files: filesOfRun(run), ...(isKnown ? { deps } : {}) }
}

/** A word with an expression in it is no name of a file yet. */
function filesOfRun(run: string): CommandFiles {
  return readCommand(run.replaceAll(/\$\{\{.*?\}\}/gs, '$EXPRESSION'))
}

/** Deps, with the scripts of the commit that a command starts and does not have among them. */
export function withScripts(deps: readonly string[], run: string, commit: readonly string[]): string[] {
  const missing = missingScripts([{ step: '', files: filesOfRun(run), deps }], commit, [])
  const unseen = missing.flatMap(({ kind, path }) => (kind === 'unseen' ? [path] : []))
  return [...new Set([...deps, ...unseen])]
}

/** The folder before an expression, whose value is not known. */
export function fixedPart(path: string): string {
  const start = path.indexOf('${{')
  return start === -1 ? path : path.slice(0, Math.max(0, path.lastIndexOf('/', start)))
}
