import type { Problem } from '../core/problem.ts'
import { checkCheck } from './check-checks.ts'
import { isCheck } from './checks.ts'
import { checkExpressions } from './check-expressions.ts'
import { metricInfo, METRICS } from './keys/metrics.ts'
import type { Path } from './path.ts'
import type { DatasetSpec, EnvironmentSpec, EvaluationSpec, Pipeline, StepSpec } from './pipeline.ts'
import { didYouMean, knownNames, type KnownNames } from './suggestion.ts'
import { unknownMetric } from './unknown-metrics.ts'
import { TASK_KEYS } from './task-keys.ts'
import type { PlaceInText } from './yaml-source.ts'

/** Makes a problem at a path of the file. */
export type ProblemAt = (path: Path, message: string, options?: ProblemOptions) => Problem

interface ProblemOptions {
  readonly at?: 'key' | 'value'
  readonly inside?: PlaceInText
}

/** What one key of the file says about another; needs no commit, branch or people. */
export function checkPipeline(pipeline: Pipeline, problemAt: ProblemAt): Problem[] {
  const names = knownNames(pipeline.steps.map(({ name }) => name))
  return [
    ...pipeline.steps.flatMap((step) => checkStep(step, names, pipeline, problemAt)),
    ...pipeline.data.flatMap((dataset) => checkDataset(dataset, pipeline, problemAt)),
    ...checkExpressions(pipeline, names, problemAt),
    ...checkModelKeys(pipeline, problemAt),
    ...checkGates(pipeline, problemAt),
    ...pipeline.environments.flatMap((environment) => checkEnvironment(environment, pipeline, problemAt)),
    ...checkVariables(pipeline.env, ['env'], problemAt),
  ]
}

function checkStep(step: StepSpec, names: KnownNames, pipeline: Pipeline, problemAt: ProblemAt): Problem[] {
  const problems: Problem[] = []
  const path = ['steps', step.name]
  if (Object.hasOwn(TASK_KEYS, step.name)) {
    const work = TASK_KEYS[step.name as keyof typeof TASK_KEYS]
    problems.push(
      problemAt(path, `"${step.name}" is the step of Tidegate that ${work}: choose another name`, { at: 'key' }),
    )
  }
  for (const [index, need] of (step.needs ?? []).entries()) {
    const own = [...path, 'needs', index]
    if (need.step === step.name) problems.push(problemAt(own, 'a step cannot need itself'))
    else if (!names.has(need.step)) {
      problems.push(problemAt(own, `there is no step "${need.step}"${names.hint(need.step)}`))
    }
  }
  problems.push(...checkBuildName(step.build, [...path, 'build'], pipeline, problemAt))
  if (step.endpoint !== undefined && pipeline.model === undefined) {
    problems.push(problemAt([...path, 'endpoint'], 'there is no candidate to serve: say what the `model` is'))
  }
  problems.push(...checkExcluded(step, problemAt))
  return [...problems, ...checkVariables(step.env, [...path, 'env'], problemAt)]
}

/** What is left out must be there: else a member runs that nobody wanted. */
function checkExcluded({ name, matrix }: StepSpec, problemAt: ProblemAt): Problem[] {
  if (matrix === undefined) return []
  return matrix.exclude.flatMap((member, index) =>
    Object.entries(member).flatMap(([axis, value]) => {
      const path = ['steps', name, 'matrix', 'exclude', index, axis]
      const values = Object.hasOwn(matrix.axes, axis) ? (matrix.axes[axis] ?? []) : undefined
      if (values === undefined) {
        const hint = didYouMean(axis, Object.keys(matrix.axes))
        return [problemAt(path, `the matrix has no axis "${axis}"${hint}`, { at: 'key' })]
      }
      if (values.includes(value)) return []
      const hint =
        didYouMean(String(value), values.map(String)) || `: write one of ${values.slice(0, 20).map(String).join(', ')}`
      return [problemAt(path, `the axis ${axis} has no value ${JSON.stringify(value)}${hint}`)]
    }),
  )
}

function checkDataset(dataset: DatasetSpec, pipeline: Pipeline, problemAt: ProblemAt): Problem[] {
  if (dataset.kind !== 'query') return []
  const path = ['data', dataset.path]
  return [
    ...checkBuildName(dataset.build, [...path, 'build'], pipeline, problemAt),
    ...checkVariables(dataset.env, [...path, 'env'], problemAt),
  ]
}

function checkBuildName(build: string | undefined, path: Path, pipeline: Pipeline, problemAt: ProblemAt): Problem[] {
  const names = Object.keys(pipeline.build.environments)
  if (build === undefined || names.includes(build)) return []
  const hint = didYouMean(build, names) || ': add it to `build.environments`'
  return [problemAt(path, `there is no build environment "${build}"${hint}`)]
}

function checkVariables(env: Readonly<Record<string, string>>, path: Path, problemAt: ProblemAt): Problem[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('TIDEGATE_'))
    .map((name) => problemAt([...path, name], 'names that begin with TIDEGATE_ are set by Tidegate', { at: 'key' }))
}

function checkModelKeys(pipeline: Pipeline, problemAt: ProblemAt): Problem[] {
  if (pipeline.model !== undefined) return []
  const needing = {
    evaluation: pipeline.evaluation !== undefined,
    gates: pipeline.gates.length > 0,
    environments: pipeline.environments.length > 0,
  }
  return Object.entries(needing)
    .filter(([, used]) => used)
    .map(([key]) =>
      problemAt([key], `\`${key}\` needs \`model\`: write \`model: { path: model.onnx }\``, { at: 'key' }),
    )
}

function checkGates(pipeline: Pipeline, problemAt: ProblemAt): Problem[] {
  const { gates, evaluation } = pipeline
  return gates.flatMap((gate, index) => {
    if (isCheck(gate)) {
      const wrong = (metric: string, path: Path) =>
        evaluation === undefined ? [] : wrongGateMetric(metric, evaluation, path, problemAt)
      return checkCheck(gate, index, pipeline, problemAt, wrong)
    }
    if (evaluation === undefined) {
      return [
        problemAt(['gates', index], `the gate ${gate.name} needs \`evaluation\`: say which rows to measure it on`),
      ]
    }
    if (gate.kind === 'latency') {
      if (evaluation.source.kind === 'data') return []
      return [
        problemAt(
          ['gates', index, 'metric'],
          'no model is asked where `evaluation.predictions` has the answers: leave this gate out',
        ),
      ]
    }
    const problems = wrongGateMetric(gate.metric, evaluation, ['gates', index, 'metric'], problemAt)
    if (gate.slice !== undefined && !evaluation.slices.includes(gate.slice)) {
      const hint = didYouMean(gate.slice, evaluation.slices) || ': add it to `evaluation.slices`'
      problems.push(problemAt(['gates', index, 'slice'], `"${gate.slice}" is not one of the slices${hint}`))
    }
    return problems
  })
}

/** Gates also know the author's own metrics; what looks at production does not, where nobody writes their column. */
function wrongGateMetric(metric: string, evaluation: EvaluationSpec, path: Path, problemAt: ProblemAt): Problem[] {
  const own = Object.keys(evaluation.metrics ?? {})
  return own.includes(metric) ? [] : wrongMetric(metric, evaluation, path, problemAt, own)
}

/** Of the task; the other task's metrics are told apart from names that nobody knows. */
function wrongMetric(
  metric: string,
  { task }: EvaluationSpec,
  path: Path,
  problemAt: ProblemAt,
  own: readonly string[] = [],
): Problem[] {
  if (metricInfo(task, metric) !== undefined) return []
  const other = task === 'classification' ? 'regression' : 'classification'
  const known = [...METRICS[task], ...(task === 'regression' ? ['quantile-loss-p90'] : []), ...own]
  const list = `: write one of ${known.join(', ')}`
  if (metricInfo(other, metric) !== undefined) return [problemAt(path, `${metric} is no metric of ${task}${list}`)]
  return [problemAt(path, unknownMetric(metric, known))]
}

function checkEnvironment(environment: EnvironmentSpec, pipeline: Pipeline, problemAt: ProblemAt): Problem[] {
  const path = ['environments', environment.name]
  const problems: Problem[] = []
  const { approval, acceptance } = environment
  if (approval !== 'none' && tooMany(approval.required, approval.reviewers)) {
    problems.push(problemAt([...path, 'approval', 'required'], `only ${approval.reviewers.length} can approve`))
  }
  if (acceptance !== undefined && tooMany(acceptance.required, acceptance.testers)) {
    problems.push(problemAt([...path, 'acceptance', 'required'], `only ${acceptance.testers.length} can sign`))
  }
  const { evaluation } = pipeline
  if (evaluation === undefined) return problems
  for (const [index, rail] of environment.guardRails.entries()) {
    if (rail.kind !== 'labels') continue
    problems.push(...wrongMetric(rail.metric, evaluation, [...path, 'guard-rails', index, 'metric'], problemAt))
  }
  for (const [index, monitor] of environment.monitors.entries()) {
    if (monitor.kind !== 'performance') continue
    problems.push(...wrongMetric(monitor.metric, evaluation, [...path, 'monitors', index, 'metric'], problemAt))
  }
  return problems
}

/** How many a group has is not known here. */
function tooMany(required: number, people: readonly string[]): boolean {
  return required > new Set(people).size && !people.some((person) => person.startsWith('group:'))
}
