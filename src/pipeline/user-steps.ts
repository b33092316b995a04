import { limit } from '../core/limits.ts'
import type { PlanService, PlanStep } from '../core/plan.ts'
import type { Problem } from '../core/problem.ts'
import type { ProblemAt } from './check-pipeline.ts'
import type { Draft } from './draft.ts'
import { expandMatrix, memberKey } from './expand-matrix.ts'
import { bindExpression, type ExpressionContext } from './expression.ts'
import { defined, FilePath, OutPath } from './keys/scalars.ts'
import type { MatrixMember, Pipeline, StepSpec } from './pipeline.ts'
import { ownParamsFirst } from './params.ts'
import { shareTests, type TestFiles } from './share-tests.ts'
import { shellSafe } from './shell-safe.ts'
import { environmentKey } from './task-keys.ts'
import { fillTemplate } from './template.ts'

/** The steps of the file, a matrix as one draft for each member. */
export function userSteps(
  pipeline: Pipeline,
  context: ExpressionContext,
  files: TestFiles,
  problemAt: ProblemAt,
): { drafts: Draft[]; problems: Problem[] } {
  const drafts: Draft[] = []
  const problems: Problem[] = []
  for (const step of pipeline.steps) {
    const members = step.matrix === undefined ? [undefined] : expandMatrix(step.matrix, limit('matrixMembers'))
    if (members.length === 0)
      problems.push(problemAt(['steps', step.name, 'matrix'], 'no member is left of this matrix'))
    if (members.length > limit('matrixMembers')) {
      const message = `the matrix has more than ${limit('matrixMembers')} members: take values from it, \`exclude\` some, or make two steps of it`
      problems.push(problemAt(['steps', step.name, 'matrix'], message))
      continue
    }
    const shares = shareTests(step, members, files)
    if ('problem' in shares) {
      problems.push(problemAt(['steps', step.name, 'split'], shares.problem))
      continue
    }
    const own = members.map((member) => draftOf(step, member, pipeline, context, shares.of(member)))
    problems.push(...sameMembers(step, own, problemAt), ...wrongPaths(step, own, problemAt))
    drafts.push(...own)
  }
  return { drafts, problems }
}

/** A member is known by its values as text: `1` and `"1"` would be the same one. */
function sameMembers(step: StepSpec, drafts: readonly Draft[], problemAt: ProblemAt): Problem[] {
  const seen = new Set<string>()
  const twice = drafts.find(({ step: { key } }) => seen.size === seen.add(key).size)
  if (twice === undefined) return []
  return [problemAt(['steps', step.name, 'matrix'], `two members would both be called \`${twice.step.key}\``)]
}

/** Paths with expressions in them are checked as they come out. */
function wrongPaths(step: StepSpec, drafts: readonly Draft[], problemAt: ProblemAt): Problem[] {
  return (Object.keys(PATH_KEYS) as (keyof typeof PATH_KEYS)[]).flatMap((key) =>
    (step[key] ?? []).flatMap((given, index) => {
      if (!given.includes('${{')) return []
      for (const draft of drafts) {
        const path = draft.step[key]?.[index] ?? ''
        const reason = PATH_KEYS[key].safeParse(path).error?.issues[0]?.message
        if (reason === undefined) continue
        return [problemAt(['steps', step.name, key, index], `this comes out as ${JSON.stringify(path)}: ${reason}`)]
      }
      return []
    }),
  )
}

const PATH_KEYS = {
  deps: FilePath,
  params: FilePath,
  outs: OutPath,
  metrics: OutPath,
  checkpoint: OutPath,
} as const

function draftOf(
  step: StepSpec,
  member: MatrixMember | undefined,
  pipeline: Pipeline,
  context: ExpressionContext,
  split: readonly string[] | undefined,
): Draft {
  const own = ownParamsFirst(step, member === undefined ? context : { ...context, matrix: member })
  return {
    name: step.name,
    ours: false,
    path: ['steps', step.name],
    needs: [...(step.needs ?? []), ...(step.endpoint === undefined ? [] : [{ step: 'bundle', optional: false }])],
    waitsForStages: step.needs === undefined || step.needs.length > 0,
    depPaths: (step.deps ?? []).map((_, index) => ['steps', step.name, 'deps', index]),
    step: { ...planStep(step, member, pipeline.env, own), ...defined({ split }) },
  }
}

function planStep(
  step: StepSpec,
  member: MatrixMember | undefined,
  sharedEnv: Pipeline['env'],
  context: ExpressionContext,
): Omit<PlanStep, 'needs'> {
  const fill = (texts: readonly string[]) => texts.map((text) => fillTemplate(text, context))
  const command = shellSafe(step.run, context)
  const env = { ...sharedEnv, ...step.env }
  for (const [name, value] of Object.entries(env)) env[name] = fillTemplate(value, context)
  const { key, stage, cache, endpoint, runsOn, resources, timeoutMs, silenceTimeoutMs, retry } = {
    ...step,
    key: step.name,
  }
  return {
    key: member === undefined ? key : memberKey(key, member),
    stage,
    uses: [environmentKey(step.build)],
    ...defined({ if: step.if === undefined ? undefined : bindExpression(step.if, context) }),
    work: { kind: 'command', run: command.run, env: { ...env, ...command.env }, secrets: step.secrets },
    ...defined({ deps: step.deps === undefined ? undefined : fill(step.deps) }),
    params: fill(step.params),
    outs: fill(step.outs),
    metrics: fill(step.metrics),
    reports: reportsOf(step, fill),
    cache: cache && step.deps !== undefined,
    ...defined({ matrix: member, siblings: siblingsOf(step), endpoint, silenceTimeoutMs }),
    ...(step.services.length === 0 ? {} : { services: step.services.map((service) => serviceOf(service, context)) }),
    ...(step.checkpoint.length === 0 ? {} : { checkpoint: fill(step.checkpoint) }),
    runsOn,
    resources,
    timeoutMs,
    retry,
  }
}

function serviceOf(service: StepSpec['services'][number], context: ExpressionContext): PlanService {
  const { run, env } = shellSafe(service.run, context)
  return { ...service, run, env }
}

function siblingsOf({ name, matrix }: StepSpec): PlanStep['siblings'] {
  if (matrix === undefined) return undefined
  return { of: name, ...defined({ maxParallel: matrix.maxParallel }), failFast: matrix.failFast }
}

function reportsOf({ reports }: StepSpec, fill: (texts: readonly string[]) => string[]): PlanStep['reports'] {
  return {
    ...(reports.junit.length === 0 ? {} : { junit: fill(reports.junit) }),
    ...(reports.coverage.length === 0 ? {} : { coverage: fill(reports.coverage) }),
  }
}
