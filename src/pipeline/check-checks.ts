import type { Problem } from '../core/problem.ts'
import { readBehaviour } from './behaviour.ts'
import type { ProblemAt } from './check-pipeline.ts'
import { filesOf, isCheck, type CheckSpec } from './checks.ts'
import type { Draft } from './draft.ts'
import type { Path } from './path.ts'
import type { Pipeline } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { didYouMean } from './suggestion.ts'

/** What a check needs of the rest of the file. `wrongMetric` knows the evaluation's metrics. */
export function checkCheck(
  gate: CheckSpec,
  index: number,
  { evaluation }: Pipeline,
  problemAt: ProblemAt,
  wrongMetric: (metric: string, path: Path) => Problem[],
): Problem[] {
  if (gate.kind !== 'fairness' && gate.kind !== 'behaviour') return []
  if (evaluation === undefined) {
    return [problemAt(['gates', index], `the gate ${gate.name} needs \`evaluation\`: say which rows to measure it on`)]
  }
  if (gate.kind === 'behaviour') {
    if (evaluation.source.kind === 'data') return []
    return [
      problemAt(
        ['gates', index],
        'the model has to be asked, and `evaluation.predictions` has answers only: write `evaluation.data`',
      ),
    ]
  }
  const problems = wrongMetric(gate.metric, ['gates', index, 'metric'])
  if (gate.between === evaluation.label) {
    problems.push(
      problemAt(
        ['gates', index, 'between'],
        `"${gate.between}" is the label${didYouMean('', [])}: name another column`,
      ),
    )
  }
  return problems
}

/** Files that gates read are inputs of the step that decides them. */
export function gateDeps({ gates, evaluation }: Pipeline): { dep: string; path: Path }[] {
  const named = gates.flatMap((gate, index) =>
    isCheck(gate) ? filesOf(gate).map(({ file, key }) => ({ dep: file, path: ['gates', index, key] })) : [],
  )
  const isAsked = gates.some(({ kind }) => kind === 'behaviour')
  const rows =
    isAsked && evaluation !== undefined ? [{ dep: evaluation.source.path, path: ['evaluation', 'data'] }] : []
  const seen = new Set<string>()
  return [...named, ...rows].filter(({ dep }) => !seen.has(dep) && seen.add(dep))
}

/** Files of behaviour tests that are in the commit are read with it; one that a step makes is read when it is there. */
export function checkBehaviour({ gates }: Pipeline, context: PlanContext, drafts: readonly Draft[]): Problem[] {
  const files = new Set(gates.flatMap((gate) => (gate.kind === 'behaviour' ? [gate.file] : [])))
  const made = new Set(drafts.flatMap(({ step }) => step.outs))
  return [...files].flatMap((file) => {
    const text = made.has(file) ? undefined : context.readText?.(file)
    return text === undefined ? [] : readBehaviour(text, file).problems
  })
}
