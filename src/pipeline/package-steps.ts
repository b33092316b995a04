import { limit } from '../core/limits.ts'
import type { Problem } from '../core/problem.ts'
import type { ProblemAt } from './check-pipeline.ts'
import { trimSlash } from './connect-steps.ts'
import { type Draft, taskDraft } from './draft.ts'
import { defined } from './keys/scalars.ts'
import type { Pipeline } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { environmentKey, PACKAGE_KEY, WHEEL_FOLDER } from './task-keys.ts'
import { wantedPython } from './wanted-python.ts'
import { WHEEL_SCRIPT } from './wheel-script.ts'

const PATH = ['build', 'package']

/**
 * The wheel of `build.package`: an environment of what its build system requires, and a command that builds in
 * it. A command, because a build runs code of the commit: as the user, and within the walls, of any other step.
 */
export function packageSteps(
  pipeline: Pipeline,
  context: PlanContext,
  problemAt: ProblemAt,
): { drafts: Draft[]; problems: Problem[] } {
  const wanted = pipeline.build.package
  if (wanted === undefined) return { drafts: [], problems: [] }
  const folder = trimSlash(wanted.path) === '.' ? '' : `${trimSlash(wanted.path)}/`
  const sources = ['pyproject.toml', 'setup.py'].map((name) => folder + name)
  const there = sources.filter((file) => context.files.includes(file))
  if (there.length === 0) {
    const message = `a wheel is built of a pyproject.toml or setup.py, and there is neither ${sources.join(' nor ')} in the commit`
    return { drafts: [], problems: [problemAt(PATH, message)] }
  }
  return { drafts: [requirementStep(pipeline, folder, context), wheelStep(folder)], problems: [] }
}

function requirementStep({ build }: Pipeline, folder: string, context: PlanContext): Draft {
  const pyproject = `${folder}pyproject.toml`
  return taskDraft({
    key: environmentKey(PACKAGE_KEY),
    task: 'build-environment',
    stage: 'build',
    input: {
      name: PACKAGE_KEY,
      dependencies: [],
      buildSystem: folder,
      system: [],
      ...(build.secrets.length === 0 ? {} : { secrets: build.secrets }),
      ...defined({ python: wantedPython(build, context) }),
    },
    path: PATH,
    deps: context.files.includes(pyproject) ? [{ dep: pyproject, path: PATH }] : [],
    cache: true,
  })
}

function wheelStep(folder: string): Draft {
  const deps = [folder === '' ? '**' : folder]
  return {
    name: PACKAGE_KEY,
    ours: true,
    path: PATH,
    needs: [],
    waitsForStages: false,
    depPaths: deps.map(() => PATH),
    step: {
      key: PACKAGE_KEY,
      stage: 'build',
      uses: [environmentKey(PACKAGE_KEY)],
      work: { kind: 'command', run: wheelCommand(folder === '' ? '.' : folder), env: {}, secrets: [] },
      deps,
      params: [],
      outs: [WHEEL_FOLDER],
      metrics: [],
      reports: {},
      cache: true,
      runsOn: 'local',
      resources: { cpus: 1, gpus: 0 },
      timeoutMs: limit('stepTimeoutMs'),
      retry: { on: ['executor-lost'], limit: 1 },
    },
  }
}

function wheelCommand(folder: string): string {
  const quoted = `'${folder.replaceAll("'", `'\\''`)}'`
  return `umask 022\npython -I - ${quoted} ${WHEEL_FOLDER} <<'END_OF_SCRIPT'\n${WHEEL_SCRIPT}END_OF_SCRIPT\n`
}
