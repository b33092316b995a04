import type { Problem } from '../core/problem.ts'
import type { ProblemAt } from './check-pipeline.ts'
import { parseExpression, parts, type Expression } from './expression.ts'
import type { Path } from './path.ts'
import type { DatasetSpec, Pipeline, StepSpec } from './pipeline.ts'
import { RUN_EVENTS } from './plan-context.ts'
import { shellProblems } from './shell-safe.ts'
import { knownNames, nearestWord, type KnownNames } from './suggestion.ts'
import { parseTemplate } from './template.ts'

/** Every expression of the file: that it can be read, and that the names in it lead somewhere. */
export function checkExpressions(pipeline: Pipeline, steps: KnownNames, problemAt: ProblemAt): Problem[] {
  const problems = pipeline.steps.flatMap((step) => checkStep(step, steps, problemAt))
  const group = pipeline.concurrency?.group
  const noNames = { axes: NO_NAMES }
  if (group !== undefined)
    problems.push(...inTemplate({ path: ['concurrency', 'group'], text: group }, noNames, problemAt))
  for (const [name, text] of Object.entries(pipeline.env)) {
    problems.push(...inTemplate({ path: ['env', name], text }, noNames, problemAt))
  }
  problems.push(...pipeline.data.flatMap((dataset) => checkQuery(dataset, problemAt)))
  return problems
}

interface Template {
  readonly path: Path
  readonly text: string
}

/** `at` counts from the start of the text that the expression stands in. */
interface Reason {
  readonly at: number
  readonly message: string
}

function inCondition(template: Template, names: Names, problemAt: ProblemAt): Problem[] {
  return placed(template, conditionReasons(template.text, names), problemAt)
}

function inTemplate(template: Template, names: Names, problemAt: ProblemAt): Problem[] {
  return placed(template, templateReasons(template.text, names), problemAt)
}

function inShell(template: Template, problemAt: ProblemAt): Problem[] {
  return placed(template, shellProblems(template.text), problemAt)
}

function placed({ path, text }: Template, reasons: readonly Reason[], problemAt: ProblemAt): Problem[] {
  return reasons.map(({ at, message }) => problemAt(path, message, { inside: { text, at } }))
}

interface Names {
  readonly axes: KnownNames
  /** Absent: outcomes are not known here. */
  readonly steps?: KnownNames
}

const NO_NAMES = knownNames([])

function checkStep(step: StepSpec, steps: KnownNames, problemAt: ProblemAt): Problem[] {
  const axes = knownNames(axesOf(step))
  const problems: Problem[] = []
  if (step.if !== undefined) {
    const condition = { path: ['steps', step.name, 'if'], text: step.if }
    problems.push(...inCondition(condition, { axes, steps }, problemAt))
  }
  for (const { path, text } of templatesOf(step)) {
    problems.push(...inTemplate({ path: ['steps', step.name, ...path], text }, { axes }, problemAt))
  }
  for (const { name, run } of step.services) {
    problems.push(...inShell({ path: ['steps', step.name, 'services', name, 'run'], text: run }, problemAt))
  }
  return [...problems, ...inShell({ path: ['steps', step.name, 'run'], text: step.run }, problemAt)]
}

function checkQuery(dataset: DatasetSpec, problemAt: ProblemAt): Problem[] {
  const problems = templatesOfQuery(dataset).flatMap((each) => inTemplate(each, { axes: NO_NAMES }, problemAt))
  if (dataset.kind !== 'query') return problems
  return [...problems, ...inShell({ path: ['data', dataset.path, 'run'], text: dataset.run }, problemAt)]
}

function axesOf({ matrix }: StepSpec): string[] {
  return matrix === undefined
    ? []
    : [...Object.keys(matrix.axes), ...matrix.include.flatMap((member) => Object.keys(member))]
}

/** How a problem begins that only the step's matrix can tell. */
export const NO_AXIS = 'the step has no matrix axis'

/** Texts of a step that may hold `${{ }}`, by their path in it. */
export function templatesOf(step: StepSpec): Template[] {
  const lists = {
    deps: step.deps ?? [],
    params: step.params,
    outs: step.outs,
    metrics: step.metrics,
    checkpoint: step.checkpoint,
  }
  return [
    { path: ['run'], text: step.run },
    ...step.services.map(({ name, run }) => ({ path: ['services', name, 'run'], text: run })),
    ...Object.entries(step.env).map(([name, text]) => ({ path: ['env', name], text })),
    ...Object.entries(lists).flatMap(([key, texts]) => texts.map((text, index) => ({ path: [key, index], text }))),
    ...Object.entries(step.reports).flatMap(([key, texts]) => texts.map((text) => ({ path: ['reports', key], text }))),
  ]
}

/** Those of a query, by their path in the file. */
export function templatesOfQuery(dataset: DatasetSpec): Template[] {
  if (dataset.kind !== 'query') return []
  const path = ['data', dataset.path]
  return [
    { path: [...path, 'run'], text: dataset.run },
    ...Object.entries(dataset.env).map(([name, text]) => ({ path: [...path, 'env', name], text })),
  ]
}

function conditionReasons(text: string, names: Names): Reason[] {
  const parsed = parseExpression(text)
  return parsed.ok ? nameReasons(parsed.tree, names) : [parsed]
}

function templateReasons(text: string, names: Names): Reason[] {
  return parseTemplate(text).flatMap((part) => {
    if (part.kind === 'text') return []
    if (part.kind === 'wrong') return [part]
    return nameReasons(part.tree, names).map(({ at, message }) => ({ at: part.from + at, message }))
  })
}

const OUTCOMES = ['succeeded', 'failed', 'skipped', 'cancelled']
const FOREIGN_OUTCOMES: Readonly<Record<string, string>> = {
  success: 'succeeded',
  failure: 'failed',
  canceled: 'cancelled',
}

/** A step's outcome is one of four words: comparing it with another is never true. */
function wrongOutcome({ left, right }: Extract<Expression, { kind: 'compare' }>): Reason[] {
  const isOutcome = [left, right].some((side) => side.kind === 'name' && side.parts[0] === 'steps')
  if (!isOutcome) return []
  return [left, right].flatMap((side) => {
    if (side.kind !== 'literal' || side.value === null || OUTCOMES.includes(String(side.value))) return []
    const word = String(side.value)
    const hint = FOREIGN_OUTCOMES[word] ?? nearestWord(word, OUTCOMES)
    const message = `no step ends as "${word}": write ${hint === undefined ? OUTCOMES.join(', ') : `'${hint}'`}`
    return [{ at: side.at, message }]
  })
}

/** Compared with another word, `event` is never equal. */
function wrongEvent({ left, right }: Extract<Expression, { kind: 'compare' }>): Reason[] {
  if (![left, right].some((side) => side.kind === 'name' && side.parts[0] === 'event')) return []
  return [left, right].flatMap((side) => {
    if (side.kind !== 'literal' || side.value === null || RUN_EVENTS.some((event) => event === side.value)) return []
    const word = String(side.value)
    const hint = Object.hasOwn(FOREIGN_EVENTS, word) ? FOREIGN_EVENTS[word] : nearestWord(word, RUN_EVENTS)
    const message = `no run has the event "${word}": write ${hint === undefined ? RUN_EVENTS.join(', ') : `'${hint}'`}`
    return [{ at: side.at, message }]
  })
}

const FOREIGN_EVENTS: Readonly<Record<string, string>> = {
  workflow_dispatch: 'manual',
  merge_request_event: 'pull-request',
  cron: 'schedule',
}

function nameReasons(tree: Expression, names: Names): Reason[] {
  return parts(tree).flatMap((part) => {
    if (part.kind === 'compare') return [...wrongOutcome(part), ...wrongEvent(part)]
    const message = part.kind === 'name' || part.kind === 'call' ? wrongUse(part, names) : undefined
    return message === undefined ? [] : [{ at: part.at, message }]
  })
}

function wrongUse(part: Extract<Expression, { kind: 'name' | 'call' }>, { axes, steps }: Names): string | undefined {
  if (part.kind === 'call') return steps === undefined ? `${part.name}() is known only in \`if\`` : undefined
  const [first, second = ''] = part.parts
  if (first === 'matrix') return axes.has(second) ? undefined : `${NO_AXIS} "${second}"${axes.hint(second)}`
  if (first !== 'steps') return undefined
  if (steps === undefined) return 'the outcome of a step is known only in `if`'
  return steps.has(second) ? undefined : `there is no step "${second}"${steps.hint(second)}`
}
