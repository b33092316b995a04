import type { Problem } from '../core/problem.ts'
import { uncoveredImports } from './check-imports.ts'
import type { ProblemAt } from './check-pipeline.ts'
import { unknownScripts } from './check-scripts.ts'
import { unreadLocks } from './unread-locks.ts'
import { trimSlash } from './connect-steps.ts'
import { parseExpression, parts } from './expression.ts'
import { metricInfo } from './keys/metrics.ts'
import { inOrder, isCut } from './in-order.ts'
import { parsePipeline, problemPlaces, type ParsedPipeline } from './parse-pipeline.ts'
import type { GateSpec, Pipeline } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { planRun } from './plan-run.ts'

/** What is known where the linter runs; the more, the more it finds. */
export interface LintContext extends Partial<PlanContext> {
  readonly file?: string
  /** What the rows of the last evaluation support, where one is known. */
  readonly evidence?: (
    gate: Extract<GateSpec, { kind: 'champion' }>,
  ) => { readonly rows: number; readonly margin: number } | undefined
}

/** All that is wrong with a pipeline file, and what is likely not meant. No errors among them: it can run. */
export function lintPipeline(text: string, context: LintContext = {}): Problem[] {
  return lintParsed(parsePipeline(text, context.file), context)
}

/** As `lintPipeline`, of a text that was read already. What has errors is planned as far as it is certain. */
export function lintParsed({ pipeline, certain, problems }: ParsedPipeline, context: LintContext): Problem[] {
  const sound = pipeline ?? certain?.pipeline
  if (sound === undefined || isCut(problems)) return [...problems]
  const own = { ...context, perhapsMade: certain?.perhapsMade ?? [] }
  const found = [...planned(sound, own), ...doubts(sound, own)]
  return inOrder([...problems, ...(certain === undefined ? found : found.filter(certain.stands))])
}

function planned(pipeline: Pipeline, context: LintContext): readonly Problem[] {
  const { files } = context
  return files === undefined ? [] : planRun(pipeline, { ...ANY_PUSH, ...context, files }).problems
}

const ANY_PUSH = { project: 'project', branch: 'main', defaultBranch: 'main', event: 'push' } as const

/** What is allowed, and likely not meant: warnings. */
export function doubts(pipeline: Pipeline, context: LintContext): Problem[] {
  const problemAt = problemPlaces(pipeline)
  return [
    ...uncached(pipeline, problemAt),
    ...alsoCommitted(pipeline, context.files ?? [], problemAt),
    ...smallMargins(pipeline, context.evidence, problemAt),
    ...unpairedRows(pipeline, problemAt),
    ...wrongDirections(pipeline, problemAt),
    ...unused(pipeline, problemAt),
    ...smallWindows(pipeline, problemAt),
    ...uncoveredImports(pipeline, context.files ?? [], context.readText, problemAt),
    ...unknownScripts(pipeline, context.files, context.perhapsMade ?? [], problemAt),
    ...unseenOutcomes(pipeline, problemAt),
    ...unreadLocks(pipeline, context.files ?? [], context.readText, problemAt),
  ].map((problem) => ({ ...problem, severity: 'warning' }))
}

/** Without a status function a condition is only asked when everything went well. */
function unseenOutcomes({ steps }: Pipeline, problemAt: ProblemAt): Problem[] {
  return steps.flatMap((step) => {
    const parsed = parseExpression(step.if ?? '')
    if (step.if === undefined || !parsed.ok) return []
    const all = parts(parsed.tree)
    const asksFailure = all.some((part) => part.kind === 'literal' && FAILURES.has(String(part.value)))
    const asksOutcome = all.some((part) => part.kind === 'name' && part.parts[0] === 'steps')
    if (!asksFailure || !asksOutcome || all.some((part) => part.kind === 'call')) return []
    const message = 'this is asked only when all needs succeeded: write `always() and …`'
    return [problemAt(['steps', step.name, 'if'], message)]
  })
}

const FAILURES = new Set(['failed', 'skipped', 'cancelled'])

/** Tests should run every time; training twice on the same input is waste. */
function uncached({ steps }: Pipeline, problemAt: ProblemAt): Problem[] {
  return steps
    .filter(({ stage, deps, cache }) => stage === 'train' && deps === undefined && cache)
    .map(({ name }) => {
      const message = 'without `deps` this step is never cached: name what it reads, or write `cache: false`'
      return problemAt(['steps', name], message, { at: 'key' })
    })
}

/** The one or the other is read, by how a step names it. */
function alsoCommitted({ steps, data }: Pipeline, files: readonly string[], problemAt: ProblemAt): Problem[] {
  const committed = new Set(files)
  const say = (path: string) => `"${path}" is in git as well: \`git rm --cached ${path}\`, and name it in .gitignore`
  const outs = steps.flatMap(({ name, outs: paths }) =>
    paths.map((path, index) => ({ path, at: ['steps', name, 'outs', index] })),
  )
  const datasets = data.map(({ path }) => ({ path, at: ['data', path] }))
  return [...outs, ...datasets]
    .filter(({ path }) => committed.has(trimSlash(path)))
    .map(({ path, at }) => problemAt(at, say(path), at[0] === 'data' ? { at: 'key' } : {}))
}

function smallMargins({ gates }: Pipeline, evidence: LintContext['evidence'], problemAt: ProblemAt): Problem[] {
  if (evidence === undefined) return []
  return gates.flatMap((gate, index) => {
    if (gate.kind !== 'champion') return []
    const supported = evidence(gate)
    if (supported === undefined || gate.margin >= supported.margin) return []
    const message = `the ${supported.rows} rows of the last evaluation support a margin of ${upwards(supported.margin)} or more: an equally good candidate would often be inconclusive`
    return [problemAt(['gates', index, 'margin'], message)]
  })
}

/** Answers that the author's code wrote are paired with the champion's by id. */
function unpairedRows({ gates, evaluation }: Pipeline, problemAt: ProblemAt): Problem[] {
  if (evaluation?.source.kind !== 'predictions' || evaluation.id !== undefined) return []
  return gates.flatMap((gate, index) => {
    if (gate.kind !== 'champion') return []
    const message = 'rows of `predictions` are paired with those of the champion by `evaluation.id`: name the column'
    return [problemAt(['gates', index, 'against'], message)]
  })
}

/** Two digits, and never less than it is. */
function upwards(value: number): string {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1)
  return String(Number((Math.ceil(value / unit) * unit).toPrecision(2)))
}

/** A least error, or a largest accuracy, is usually the other bound. */
function wrongDirections({ gates, evaluation }: Pipeline, problemAt: ProblemAt): Problem[] {
  if (evaluation === undefined) return []
  return gates.flatMap((gate, index) => {
    if (gate.kind !== 'absolute') return []
    const better = evaluation.metrics?.[gate.metric]?.better ?? metricInfo(evaluation.task, gate.metric)?.better
    if (better === 'lower' && gate.min !== undefined && gate.max === undefined)
      return [problemAt(['gates', index, 'min'], `less ${gate.metric} is better: did you mean \`max\`?`)]
    return []
  })
}

/** Fewer rows than drift is ever decided on: such a monitor would say "too few rows" for ever. */
const DRIFT_ROWS = 300

function smallWindows({ environments }: Pipeline, problemAt: ProblemAt): Problem[] {
  return environments.flatMap(({ name, monitors }) =>
    monitors.flatMap(({ kind, window }, index) => {
      if (kind !== 'drift' || window.kind !== 'rows' || window.rows >= DRIFT_ROWS) return []
      const message = `drift is decided on ${DRIFT_ROWS} rows or more: write \`window: ${DRIFT_ROWS} rows\` at least`
      return [problemAt(['environments', name, 'monitors', index, 'window'], message)]
    }),
  )
}

function unused({ model, evaluation, gates, environments }: Pipeline, problemAt: ProblemAt): Problem[] {
  const problems: Problem[] = []
  if (model !== undefined && environments.length === 0) {
    const message =
      'the model is served nowhere: add `environments: { production: { approval: { reviewers: [name] } } }`'
    problems.push(problemAt(['model'], message, { at: 'key' }))
  }
  if (evaluation !== undefined && gates.length === 0) {
    const message = 'nothing is asked of the evaluation: add `gates: [{ metric: …, against: champion, margin: … }]`'
    problems.push(problemAt(['evaluation'], message, { at: 'key' }))
  }
  return problems
}
