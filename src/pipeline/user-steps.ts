import { limit } from '../core/limits.ts'
import type { PlanStep } from '../core/plan.ts'
import type { Problem } from '../core/problem.ts'
import type { ProblemAt } from './check-pipeline.ts'
import type { Draft } from './draft.ts'
import { expandMatrix, memberKey } from './expand-matrix.ts'
import { bindExpression, type ExpressionContext } from './expression.ts'
import { defined } from './keys/scalars.ts'
import type { MatrixMember, Pipeline, StepSpec } from './pipeline.ts'
import { shellSafe } from './shell-safe.ts'
import { environmentKey } from './task-keys.ts'
import { fillTemplate } from './template.ts'

/** The steps of the file, a matrix as one draft for each member. */
export function userSteps(
  pipeline: Pipeline,
  context: ExpressionContext,
  problemAt: ProblemAt,
): { drafts: Draft[]; problems: Problem[] } {
  const drafts: Draft[] = []
  const problems: Problem[] = []
  for (const step of pipeline.steps) {
    const members = step.matrix === undefined ? [undefined] : expandMatrix(step.matrix, limit('matrixMembers'))
    if (members.length === 0)
      problems.push(problemAt(['steps', step.name, 'matrix'], 'no member is left of this matrix'))
    if (members.length > limit('matrixMembers')) {
      const message = `the matrix has more than ${limit('matrixMembers')} members`
      problems.push(problemAt(['steps', step.name, 'matrix'], message))
      continue
    }
    for (const member of members) drafts.push(draftOf(step, member, pipeline, context))
  }
  return { drafts, problems }
}

function draftOf(
  step: StepSpec,
  member: MatrixMember | undefined,
  pipeline: Pipeline,
  context: ExpressionContext,
): Draft {
  const own = member === undefined ? context : { ...context, matrix: member }
  return {
    name: step.name,
    ours: false,
    path: ['steps', step.name],
    needs: [...(step.needs ?? []), ...(step.endpoint === undefined ? [] : [{ step: 'bundle', optional: false }])],
    waitsForStages: step.needs === undefined || step.needs.length > 0,
    depPaths: (step.deps ?? []).map((_, index) => ['steps', step.name, 'deps', index]),
    step: planStep(step, member, pipeline.env, own),
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
    ...defined({ matrix: member, endpoint, silenceTimeoutMs }),
    runsOn,
    resources,
    timeoutMs,
    retry,
  }
}

function reportsOf({ reports }: StepSpec, fill: (texts: readonly string[]) => string[]): PlanStep['reports'] {
  return {
    ...(reports.junit.length === 0 ? {} : { junit: fill(reports.junit) }),
    ...(reports.coverage.length === 0 ? {} : { coverage: fill(reports.coverage) }),
  }
}
