import { limit } from '../core/limits.ts'
import type { Plan } from '../core/plan.ts'
import type { Problem } from '../core/problem.ts'
import { checkParamsFiles } from './check-params-files.ts'
import { checkParams } from './check-params.ts'
import { checkInputs, checkOutcomes, checkOuts, checkPeople } from './check-plan.ts'
import { checkBehaviour } from './check-checks.ts'
import { checkSecrets } from './check-secrets.ts'
import { connectSteps, findCycles, readerOf, withAsked } from './connect-steps.ts'
import { checkAudience, datasetSteps } from './dataset-steps.ts'
import type { Draft } from './draft.ts'
import { environmentSteps } from './environment-steps.ts'
import { imageSteps } from './image-step.ts'
import { problemPlaces } from './parse-pipeline.ts'
import type { Pipeline } from './pipeline.ts'
import { packageSteps } from './package-steps.ts'
import { expressionContext } from './params.ts'
import type { PlanContext } from './plan-context.ts'
import { environmentKey } from './task-keys.ts'
import { earlySteps, modelSteps, verdictSteps } from './task-steps.ts'
import { userSteps } from './user-steps.ts'

export interface PlannedRun {
  /** Absent when there is an error; warnings may stand beside a plan. */
  readonly plan?: Plan
  readonly problems: readonly Problem[]
}

/**
 * What a pipeline means for one commit and event: every step with all it waits for, the file's own and
 * ours. The same pipeline and context always give the same plan.
 */
export function planRun(pipeline: Pipeline, context: PlanContext): PlannedRun {
  const problemAt = problemPlaces(pipeline)
  const known = expressionContext(pipeline, context)
  const users = userSteps(pipeline, known, context, problemAt)
  const datasets = datasetSteps(pipeline, known, context, problemAt)
  const used = new Set([...users.drafts, ...datasets.drafts].flatMap(({ step }) => step.uses))
  if (pipeline.model !== undefined) used.add(environmentKey())
  const environments = environmentSteps(pipeline, used, context, problemAt)
  const early = earlySteps(pipeline, users.drafts, environments.drafts, datasets.drafts, context)
  const packages = packageSteps(pipeline, context, problemAt)
  const images = imageSteps(pipeline, [...users.drafts, ...packages.drafts])
  const before = [
    ...environments.drafts,
    ...early,
    ...packages.drafts,
    ...images,
    ...readMetrics(users.drafts),
    ...modelSteps(pipeline, context),
  ]
  const drafts = [...before, ...verdictSteps(pipeline, before, context)]
  const problems = [
    ...users.problems,
    ...environments.problems,
    ...datasets.problems,
    ...packages.problems,
    ...checkAudience(drafts, problemAt),
    ...checkOuts(drafts, problemAt),
    ...checkParams(pipeline, context, known, problemAt),
    ...checkParamsFiles(pipeline, drafts, context, known),
    ...checkInputs(pipeline, drafts, { ...context, params: known.params ?? {} }, problemAt),
    ...checkBehaviour(pipeline, context, drafts),
    ...checkPeople(pipeline, context.people, problemAt),
    ...checkSecrets(pipeline, context, problemAt),
  ]
  if (drafts.length > limit('planSteps')) {
    const message = `the run would have ${drafts.length} steps, and may have ${limit('planSteps')}: take members from its matrices`
    problems.push(problemAt(['steps'], message, { at: 'key' }))
    return { problems }
  }
  const steps = connectSteps(drafts)
  const circles = [...findCycles(steps, drafts, problemAt), ...checkOutcomes(pipeline, { steps, drafts }, problemAt)]
  problems.push(...(circles.length > 0 ? circles : findCycles(withAsked(steps), drafts, problemAt)))
  problems.sort((a, b) => a.line - b.line || a.column - b.column)
  const broken = problems.some(({ severity }) => severity === 'error')
  return broken ? { problems } : { plan: { version: 1, steps }, problems }
}

/** A metrics file that another step has in its deps is an out as well. */
function readMetrics(drafts: readonly Draft[]): Draft[] {
  const readers = drafts.flatMap(({ name, step }) => (step.deps ?? []).map((dep) => ({ name, reads: readerOf(dep) })))
  return drafts.map((draft) => {
    const { metrics, outs } = draft.step
    const wanted = metrics.filter((file) => readers.some(({ name, reads }) => name !== draft.name && reads(file)))
    // One that is also named in `outs` stands there once; what stands there twice is for `checkOuts` to find.
    const further = [...new Set(wanted)].filter((file) => !outs.includes(file))
    return { ...draft, step: { ...draft.step, outs: [...outs, ...further] } }
  })
}
