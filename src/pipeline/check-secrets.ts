import type { Problem } from '../core/problem.ts'
import type { ProblemAt } from './check-pipeline.ts'
import type { Path } from './path.ts'
import type { Pipeline } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { didYouMean } from './suggestion.ts'

/**
 * Secrets that the project does not have. A warning: one can still be set before its step starts, and a step
 * that is skipped or cached never asks for it.
 */
export function checkSecrets(
  pipeline: Pipeline,
  { project, secrets }: Pick<PlanContext, 'project' | 'secrets'>,
  problemAt: ProblemAt,
): Problem[] {
  if (secrets === undefined) return []
  return namedSecrets(pipeline).flatMap(({ name, path }) => {
    if (secrets.includes(name)) return []
    const near = didYouMean(name, secrets)
    const todo = near === '' ? `: set it with \`tidegate secret set ${project} ${name}\`` : near
    return [{ ...problemAt(path, `the project has no secret "${name}"${todo}`), severity: 'warning' as const }]
  })
}

function namedSecrets({ build, data, steps }: Pipeline): { name: string; path: Path }[] {
  return [
    ...listed(build.secrets, ['build', 'secrets']),
    ...data.flatMap((dataset) => {
      const path = ['data', dataset.path]
      if (dataset.kind === 'query') return listed(dataset.secrets, [...path, 'secrets'])
      const secret = 'secret' in dataset ? dataset.secret : undefined
      return secret === undefined ? [] : [{ name: secret, path: [...path, 'secret'] }]
    }),
    ...steps.flatMap(({ name, secrets }) => listed(secrets, ['steps', name, 'secrets'])),
  ]
}

function listed(names: readonly string[], path: Path): { name: string; path: Path }[] {
  return names.map((name, index) => ({ name, path: [...path, index] }))
}
