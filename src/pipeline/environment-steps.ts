import type { Problem } from '../core/problem.ts'
import type { ProblemAt } from './check-pipeline.ts'
import { type Draft, taskDraft } from './draft.ts'
import { defined } from './keys/scalars.ts'
import type { Path } from './path.ts'
import type { Pipeline } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { isComputed } from './computed-dependencies.ts'
import { splitExtras, withIncludes } from './requirement-includes.ts'
import { nearestWord } from './suggestion.ts'
import { wantedPython } from './wanted-python.ts'
import { DEFAULT_ENVIRONMENT, environmentKey } from './task-keys.ts'

/** One step for each build environment that something uses. */
export function environmentSteps(
  pipeline: Pipeline,
  used: ReadonlySet<string>,
  context: PlanContext,
  problemAt: ProblemAt,
): { drafts: Draft[]; problems: Problem[] } {
  const { build } = pipeline
  const wanted = [
    {
      name: DEFAULT_ENVIRONMENT,
      files:
        build.dependencies ??
        (build.interpreter === undefined ? foundDependencies(context.files, context.readText) : []),
      path: ['build', 'dependencies'] as Path,
    },
    ...Object.entries(build.environments).map(([name, files]) => ({
      name,
      files,
      path: ['build', 'environments', name] as Path,
    })),
  ]
  const present = new Set(context.files)
  const drafts: Draft[] = []
  const problems: Problem[] = []
  for (const { name, files, path } of wanted) {
    const all = lockedFiles(files, context)
    problems.push(
      ...all.filter((file) => !present.has(file)).map((file) => problemAt(path, absent(file, context.files))),
    )
    if (!used.has(environmentKey(name))) continue
    const interpreter = name === DEFAULT_ENVIRONMENT ? build.interpreter : undefined
    drafts.push(
      taskDraft({
        key: environmentKey(name),
        task: 'build-environment',
        stage: 'build',
        input: {
          name,
          dependencies: files,
          system: build.system,
          ...(build.secrets.length === 0 ? {} : { secrets: build.secrets }),
          ...defined({ python: wantedPython(build, context), interpreter }),
        },
        path,
        deps: [...all, ...builtFiles(files, all, context)].map((dep) => ({ dep, path })),
        // What an interpreter of somebody else's holds may have changed since; ours are made by these files alone.
        cache: interpreter === undefined,
      }),
    )
  }
  return { drafts, problems }
}

/** What Python projects keep their dependencies in, the most explicit first. */
export function foundDependencies(files: readonly string[], readText?: PlanContext['readText']): string[] {
  const known = ['requirements.txt', 'pyproject.toml', 'setup.py', 'environment.yml', 'environment.yaml']
  const found = known.find((file) => files.includes(file) && (file !== 'pyproject.toml' || isProject(readText?.(file))))
  return found === undefined ? [] : [found]
}

/** Many a pyproject.toml holds the settings of tools alone, and the dependencies stand elsewhere. */
function isProject(text: string | undefined): boolean {
  return text === undefined || /^\s*\[\s*(project|tool\.poetry)\s*[.\]]/m.test(text)
}

/** Everything that decides what gets installed. */
function lockedFiles(files: readonly string[], context: PlanContext): string[] {
  const all = withIncludes(
    files.map((file) => splitExtras(file).path),
    (path) => includingText(path, context.readText?.(path)),
  )
  const beside = all.flatMap((file) => {
    if (file.endsWith('pyproject.toml')) return [lockBeside(file, context.files)]
    return file.endsWith('setup.py') ? [file.replace(/\.py$/, '.cfg')] : []
  })
  return [...all, ...beside.filter((file) => context.files.includes(file))]
}

/** uv's counts before Poetry's. */
function lockBeside(file: string, files: readonly string[]): string {
  const beside = (lock: string) => file.replace(/pyproject\.toml$/, lock)
  return files.includes(beside('uv.lock')) ? beside('uv.lock') : beside('poetry.lock')
}

/** What may name other files; in an environment.yml pip's lines are entries of a list. */
function includingText(path: string, text: string | undefined): string | undefined {
  if (/\.(txt|in)$/.test(path)) return text
  return /\.ya?ml$/.test(path) ? text?.replaceAll(/^\s*-\s+["']?/gm, '').replaceAll(/["']\s*$/gm, '') : undefined
}

/** A build that tells what the project requires may read every file of the commit. */
function builtFiles(files: readonly string[], locked: readonly string[], { readText }: PlanContext): string[] {
  const isAsked = files.some((file) => isComputed(file, readText?.(splitExtras(file).path)))
  return isAsked && !locked.some((file) => file.endsWith('uv.lock')) ? ['**'] : []
}

function absent(file: string, files: readonly string[]): string {
  const near = nearestWord(file, files)
  return `there is no file "${file}" in the commit${near === undefined ? '' : `: did you mean "${near}"?`}`
}
