import { gateDeps } from './check-checks.ts'
import { measuredBy } from './checks.ts'
import { type Draft, taskDraft } from './draft.ts'
import { matchesGlob } from './glob.ts'
import type { Path } from './path.ts'
import type { ModelSpec, Pipeline } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import type { TaskInputs } from './task-inputs.ts'
import { BUNDLE_FILE, environmentKey } from './task-keys.ts'

/** Our steps before anything is trained: mistakes in sources, and datasets. */
export function earlySteps(
  pipeline: Pipeline,
  users: readonly Draft[],
  environments: readonly Draft[],
  datasets: readonly Draft[],
  context: PlanContext,
): Draft[] {
  const early = [checkSources(pipeline, users, environments), ...datasets]
  if (context.event !== 'alert' || datasets.length === 0) return early
  const changed = taskDraft({
    key: 'datasets',
    task: 'check-datasets',
    stage: 'build',
    input: { paths: pipeline.data.map(({ path }) => path) },
    path: ['data'],
    needs: datasets.map(({ name }) => ({ step: name, optional: false })),
  })
  return [...early, changed]
}

function checkSources(pipeline: Pipeline, users: readonly Draft[], environmentDrafts: readonly Draft[]): Draft {
  const commands: TaskInputs['check-sources']['commands'][number][] = []
  for (const { step } of users) {
    if (step.work.kind !== 'command') continue
    const deps = step.deps === undefined ? {} : { deps: step.deps }
    commands.push({ step: step.key, run: step.work.run, environment: step.uses[0] ?? environmentKey(), ...deps })
  }
  const environments = environmentDrafts.map(({ step }) => step.key).toSorted()
  const dependencies = Object.fromEntries(environmentDrafts.map(({ step }) => [step.key, dependenciesOf(step.work)]))
  const made = users.flatMap(({ step }) => [...step.outs, ...step.metrics])
  return taskDraft({
    key: 'sources',
    task: 'check-sources',
    stage: 'build',
    input: {
      environments,
      commands,
      dependencies,
      dataPaths: [...new Set([...made, ...pipeline.data.map(({ path }) => path)])],
    },
    path: [],
    deps: [{ dep: '**', path: [] }],
    uses: environments,
    cache: true,
  })
}

function dependenciesOf(work: Draft['step']['work']): readonly string[] {
  return work.kind === 'task' ? (work.input as TaskInputs['build-environment']).dependencies : []
}

/** Our steps from the model to its registration; none without a model. */
export function modelSteps(pipeline: Pipeline, context: PlanContext): Draft[] {
  const { model, evaluation } = pipeline
  if (model === undefined) return []
  const name = pipeline.name ?? context.project
  const bundle = taskDraft({
    key: 'bundle',
    task: 'make-bundle',
    stage: 'train',
    input: { name, model },
    path: ['model'],
    deps: modelDeps(model),
    outs: [BUNDLE_FILE],
    uses: [environmentKey()],
    cache: true,
  })
  return evaluation === undefined ? [bundle] : [bundle, evaluationStep(pipeline, evaluation)]
}

function modelDeps(model: ModelSpec): { dep: string; path: Path }[] {
  const { path, include, card, reference } = model
  return [
    { dep: path, path: ['model', 'path'] },
    ...include.map((dep, index) => ({ dep, path: ['model', 'include', index] })),
    ...(card === undefined ? [] : [{ dep: card, path: ['model', 'card'] }]),
    ...(reference === undefined ? [] : [{ dep: reference, path: ['model', 'reference'] }]),
  ]
}

function evaluationStep(pipeline: Pipeline, evaluation: NonNullable<Pipeline['evaluation']>): Draft {
  const { source } = evaluation
  const labels = source.kind === 'predictions' ? source.labels : undefined
  const labelsAreHidden = pipeline.data.some(({ path, only }) => path === labels && only !== undefined)
  return taskDraft({
    key: 'evaluation',
    task: 'evaluate',
    stage: 'integration-tests',
    input: { evaluation, labelsAreHidden, ...wantedMeasures(pipeline) },
    path: ['evaluation'],
    deps: [
      { dep: source.path, path: ['evaluation', source.kind] },
      ...(labels === undefined ? [] : [{ dep: labels, path: ['evaluation', 'data'] }]),
      { dep: BUNDLE_FILE, path: ['evaluation'] },
    ],
    uses: [environmentKey()],
    cache: true,
  })
}

function wantedMeasures(pipeline: Pipeline): Omit<TaskInputs['evaluate'], 'evaluation' | 'labelsAreHidden'> {
  const { gates, environments, evaluation } = pipeline
  const metrics = new Set<string>()
  const slices = new Set(evaluation?.slices)
  for (const gate of gates) {
    const measured = measuredBy(gate)
    if (measured.metric !== undefined) metrics.add(measured.metric)
    if (measured.slice !== undefined) slices.add(measured.slice)
  }
  for (const { guardRails, monitors } of environments) {
    for (const rail of guardRails) if (rail.kind === 'labels') metrics.add(rail.metric)
    for (const monitor of monitors) if (monitor.kind === 'performance') metrics.add(monitor.metric)
  }
  return { metrics: [...metrics], slices: [...slices], latency: gates.some(({ kind }) => kind === 'latency') }
}

/** Gates wait for every other step; registration for the gates, on branches that deliver. */
export function verdictSteps(pipeline: Pipeline, others: readonly Draft[], context: PlanContext): Draft[] {
  const { model, gates, evaluation } = pipeline
  if (model === undefined) return []
  const verdict = taskDraft({
    key: 'gates',
    task: 'gate',
    stage: 'integration-tests',
    input: { gates, ...(evaluation === undefined ? {} : { task: evaluation.task }) },
    path: ['gates'],
    deps: gateDeps(pipeline),
    // A step that its `if` skipped is no failure; one that failed, or was cancelled, blocks in either case.
    needs: others.map(({ step, ours }) => ({ step: step.key, optional: !ours })),
  })
  if (!registers(pipeline, context)) return [verdict]
  const registration = taskDraft({
    key: 'registration',
    task: 'register',
    stage: 'integration-tests',
    input: { name: pipeline.name ?? context.project },
    path: ['model'],
    needs: [{ step: 'gates', optional: false }],
  })
  return [verdict, registration]
}

/** Whether a run of this pipeline may end in a registered version, and then be delivered. */
function registers(pipeline: Pipeline, context: Pick<PlanContext, 'branch' | 'defaultBranch' | 'event'>): boolean {
  if (pipeline.model === undefined || context.event === 'pull-request' || context.event === 'local') return false
  const { deliver } = pipeline
  // On no branch: what `**` stands for is any branch.
  if (context.branch === '') return false
  if (deliver === undefined) return context.branch === context.defaultBranch
  return deliver.branches.some((glob) => matchesGlob(glob, context.branch))
}
