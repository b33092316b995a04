import type { PlanStep } from '../core/plan.ts'
import type { Provided } from '../core/task.ts'
import type { RunRow } from '../db/tables.ts'
import type { StepContext } from './engine-options.ts'

/** Where a member of a split finds the names of its tests, in the folder it starts in. */
export const SPLIT_FILE = '.tidegate-tests.txt'

const SYSTEM_PATH = ['/usr/local/bin', '/usr/bin', '/bin']

/**
 * The whole environment of an attempt, secrets apart. An allow-list: nothing of the server's own gets in.
 * The file's `env` may set anything but the `TIDEGATE_` names; its PATH adds folders.
 */
export function stepEnvironment(
  context: Pick<StepContext, 'step' | 'outputs'> & {
    readonly run: NamedRun
  },
  attemptId: string,
  opened: Readonly<Record<string, string>>,
): Record<string, string> {
  const { run, step } = context
  const provided = providedTo(context)
  const written = step.work.kind === 'command' ? step.work.env : {}
  const env = { LANG: 'C.UTF-8', ...merged(provided), ...written }
  return {
    ...env,
    PATH: searchPath(
      provided.flatMap((each) => each.path),
      written['PATH'],
    ),
    ...opened,
    ...variablesOf(run, step, attemptId),
    ...(step.split === undefined ? {} : { TIDEGATE_SPLIT_FILE: SPLIT_FILE }),
  }
}

type NamedRun = Pick<RunRow, 'id' | 'project' | 'commit_id' | 'branch'>

/** What every step is told of where it runs. */
function variablesOf(run: NamedRun, { key }: Pick<PlanStep, 'key'>, attemptId: string): Record<string, string> {
  return {
    TIDEGATE_PROJECT: run.project,
    TIDEGATE_RUN: run.id,
    TIDEGATE_STEP: key,
    TIDEGATE_COMMIT: run.commit_id,
    TIDEGATE_BRANCH: run.branch,
    TIDEGATE_ATTEMPT: attemptId,
  }
}

/**
 * Of these, what a step's texts name: it is taken to read them. The others are not in its key, or a step would be run anew
 * for every branch and commit that it does not care about. An attempt is named by its step here, since the key is asked for
 * before there is one.
 */
export function variablesNamedIn(
  texts: readonly string[],
  run: NamedRun,
  step: Pick<PlanStep, 'key'>,
): Record<string, string> {
  const named = new Set(texts.flatMap((text) => text.match(/\bTIDEGATE_[A-Z]+\b/g) ?? []))
  const known = Object.entries(variablesOf(run, step, `${run.id}/${step.key}`))
  return Object.fromEntries(known.filter(([name]) => named.has(name)))
}

/**
 * The build environment in front, or `python` would be another than the one whose packages are locked; then what the
 * file adds, then the system's, so that `sh` and `git` are found. `$PATH` in it means what is there anyway.
 */
function searchPath(provided: readonly string[], written = ''): string {
  const added = written.split(':').filter((folder) => !/^(\$PATH|\$\{PATH\})?$/.test(folder))
  return [...new Set([...provided, ...added, ...SYSTEM_PATH])].join(':')
}

/** What the steps that this one uses provide, in the order it names them. */
export function providedTo(context: Pick<StepContext, 'step' | 'outputs'>): Provided[] {
  return context.step.uses.flatMap((key) => context.outputs.get(key)?.provides ?? [])
}

function merged(provided: readonly Provided[]): Record<string, string> {
  return Object.assign({}, ...provided.map((each) => each.env)) as Record<string, string>
}
