import { canonicalJson } from '../lib/canonical-json.ts'
import { limit } from '../core/limits.ts'
import type { Problem } from '../core/problem.ts'
import type { ProblemAt } from './check-pipeline.ts'
import { isMeantFor, paramsFile, readerOf, trimSlash } from './connect-steps.ts'
import { type Draft, taskDraft } from './draft.ts'
import { findDvcOut, type DvcOut } from './dvc-out.ts'
import type { ExpressionContext } from './expression.ts'
import { isGlob } from './glob.ts'
import type { Path } from './path.ts'
import type { DatasetSpec, Pipeline } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { shellSafe } from './shell-safe.ts'
import { datasetKey, environmentKey, queryKey } from './task-keys.ts'
import { fillTemplate } from './template.ts'

/** Each dataset as a step that freezes it; a query as a command before that, which only that step reads. */
export function datasetSteps(
  pipeline: Pipeline,
  known: ExpressionContext,
  context: PlanContext,
  problemAt: ProblemAt,
): { drafts: Draft[]; problems: Problem[] } {
  const problems: Problem[] = []
  const drafts = pipeline.data
    .map((own) => guarded(own, context.dataBefore ?? []))
    .flatMap((dataset) => {
      const dvc = dataset.kind === 'dvc' ? dvcOf(dataset, context) : undefined
      if (typeof dvc === 'string') problems.push(problemAt(['data', dataset.path, 'from'], dvc))
      const freeze = freezeStep(dataset, typeof dvc === 'string' ? undefined : dvc)
      return dataset.kind === 'query' ? [queryStep(dataset, pipeline, known), freeze] : [freeze]
    })
  return { drafts, problems }
}

/**
 * A change that drops `only` or `owners`, or gives the same source another path, is planned with them: what
 * is guarded on the default branch is guarded until the change has landed there.
 */
function guarded(own: DatasetSpec, before: readonly DatasetSpec[]): DatasetSpec {
  const guards = before.filter((each) => each.path === own.path || isSameSource(each, own))
  const owners = guards.find((each) => each.owners !== undefined)?.owners ?? own.owners
  const isHidden = own.only !== undefined || guards.some(({ only }) => only !== undefined)
  return { ...own, ...(owners === undefined ? {} : { owners }), ...(isHidden ? { only: 'evaluation' } : {}) }
}

/** What people push, and what production has seen, is another thing under another path. */
function isSameSource(a: DatasetSpec, b: DatasetSpec): boolean {
  if (a.kind === 'store' || a.kind === 'production' || a.kind !== b.kind) return false
  if (a.kind === 'dvc') return (a.out ?? a.path) === ((b as typeof a).out ?? b.path)
  const place = (dataset: DatasetSpec) => {
    const { path: _path, only: _only, owners: _owners, ...source } = dataset
    return canonicalJson({ ...source, secret: null })
  }
  return place(a) === place(b)
}

function dvcOf(dataset: DatasetSpec & { kind: 'dvc' }, { files, readText }: PlanContext): DvcOut | string | undefined {
  return readText === undefined ? undefined : findDvcOut(dataset.out ?? dataset.path, files, readText)
}

function freezeStep(dataset: DatasetSpec, dvc: DvcOut | undefined): Draft {
  const path = ['data', dataset.path]
  return taskDraft({
    key: datasetKey(dataset.path),
    task: 'freeze-dataset',
    stage: 'build',
    input: { path: dataset.path, source: dataset, ...(dvc === undefined ? {} : { dvc }) },
    path,
    // What a query reads is part of what the dataset is.
    ...(dataset.kind === 'query'
      ? { deps: queryDeps(dataset), needs: [{ step: queryKey(dataset.path), optional: false }] }
      : {}),
    outs: [dataset.path],
    ...(dataset.only === undefined ? {} : { audience: ['evaluation', 'gates'] }),
  })
}

type Query = DatasetSpec & { readonly kind: 'query' }

function queryStep(dataset: Query, pipeline: Pipeline, known: ExpressionContext): Draft {
  const { path, secrets, build, deps } = dataset
  const command = shellSafe(dataset.run, known)
  const env = { ...pipeline.env, ...dataset.env }
  for (const [name, value] of Object.entries(env)) env[name] = fillTemplate(value, known)
  return {
    name: queryKey(path),
    ours: true,
    path: ['data', path],
    needs: [],
    waitsForStages: false,
    depPaths: queryDeps(dataset).map((dep) => dep.path),
    step: {
      key: queryKey(path),
      stage: 'build',
      uses: [environmentKey(build)],
      work: { kind: 'command', run: command.run, env: { ...env, ...command.env }, secrets },
      deps,
      params: [],
      outs: [path],
      audience: [datasetKey(path)],
      metrics: [],
      reports: {},
      cache: false,
      runsOn: 'local',
      resources: { cpus: 1, gpus: 0 },
      timeoutMs: limit('stepTimeoutMs'),
      retry: { on: ['executor-lost'], limit: 1 },
    },
  }
}

function queryDeps({ path, deps }: Query): { dep: string; path: Path }[] {
  return deps.map((dep, index) => ({ dep, path: ['data', path, 'deps', index] }))
}

/** Steps that ask for a dataset that only the evaluation sees. */
export function checkAudience(drafts: readonly Draft[], problemAt: ProblemAt): Problem[] {
  const hidden = drafts.filter(({ name, step }) => step.audience !== undefined && name.startsWith('data:'))
  return drafts.flatMap((draft) => {
    const deps = (draft.step.deps ?? []).map((dep, index) => ({ dep, path: draft.depPaths[index] ?? draft.path }))
    const params = draft.step.params.map((param, index) => ({
      dep: paramsFile(param),
      path: [...draft.path, 'params', index],
    }))
    return [...deps, ...params].flatMap(({ dep, path }) =>
      hidden.flatMap((dataset) => {
        const [out = ''] = dataset.step.outs
        if (isMeantFor(dataset, draft) || !readerOf(dep)(out)) return []
        return [problemAt(path, sayHidden(dep, out))]
      }),
    )
  })
}

function sayHidden(dep: string, out: string): string {
  const why = `"${out}" is a dataset that only the evaluation sees (\`only: [evaluation]\`)`
  if (!isGlob(dep) && trimSlash(dep) === trimSlash(out)) return `${why}: take it out of here`
  return `"${dep}" takes in ${out}, and ${why}: name what is needed one by one, or keep the dataset in another folder`
}
