import { canonicalJson } from '../lib/canonical-json.ts'
import type { Problem } from '../core/problem.ts'
import type { ProblemAt } from './check-pipeline.ts'
import { templatesOf, templatesOfQuery } from './check-expressions.ts'
import { parseExpression, parts, type Expression, type ExpressionContext } from './expression.ts'
import { membersOf, namedParams, ownParams } from './params.ts'
import { formatPath, type Path } from './path.ts'
import type { Pipeline, StepSpec } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { didYouMean } from './suggestion.ts'
import { parseTemplate } from './template.ts'
import type { PlaceInText } from './yaml-source.ts'

/**
 * Each `params.x` of an expression that no file has, that two files have with different values, or that has no text.
 * Nothing is said where a file cannot be read: a step may make it.
 */
export function checkParams(
  pipeline: Pipeline,
  context: PlanContext,
  known: ExpressionContext,
  problemAt: ProblemAt,
): Problem[] {
  if (context.readText === undefined && context.params === undefined) return []
  const names = new ParamNames(namedParams(pipeline, context, known), known.params ?? {}, context)
  const problems = new Map<string, Problem>()
  const report = ({ path, inside }: Use, { message, severity = 'error' }: Reason): void => {
    const key = `${formatPath(path)} ${inside.at}: ${message}`
    if (!problems.has(key)) problems.set(key, { ...problemAt(path, message, { inside }), severity })
  }
  for (const { own, uses } of usesIn(pipeline, known)) {
    for (const use of uses) for (const reason of names.reasons(use, own)) report(use, reason)
  }
  return [...problems.values()]
}

export interface AskedParam {
  /** Without `params`. */
  readonly names: readonly string[]
  /** The step's own files that have it; none: whichever file has it. */
  readonly files: readonly string[]
  /** Written into a text, as everywhere but in `if`. */
  readonly becomesText: boolean
}

/** Everything that expressions ask of params files. */
export function askedParams(pipeline: Pipeline, known: ExpressionContext): AskedParam[] {
  const { params = {} } = known
  return usesIn(pipeline, known).flatMap(({ own, uses }) =>
    uses.map(({ names, isCondition }) => {
      const files = own.filter((file) => valueAt(params[file], names) !== undefined)
      return { names, files, becomesText: !isCondition }
    }),
  )
}

function usesIn(pipeline: Pipeline, known: ExpressionContext): Uses[] {
  return [shared(pipeline), ...pipeline.steps.flatMap((step) => usesOf(step, pipeline, known))]
}

interface Use {
  readonly path: Path
  /** Without `params`. */
  readonly names: readonly string[]
  /** In `if` what is not known is null, as the language says, and may well be meant. */
  readonly isCondition: boolean
  readonly inside: PlaceInText
}

interface Uses {
  readonly own: readonly string[]
  readonly uses: readonly Use[]
}

interface Reason {
  readonly message: string
  readonly severity?: Problem['severity']
}

function shared({ concurrency, data, env }: Pipeline): Uses {
  const group = concurrency === undefined ? [] : inTemplate(['concurrency', 'group'], concurrency.group)
  const queries = data.flatMap((dataset) =>
    templatesOfQuery(dataset).flatMap(({ path, text }) => inTemplate(path, text)),
  )
  const hasQuery = data.some(({ kind }) => kind === 'query')
  return { own: [], uses: [...group, ...queries, ...(hasQuery ? inVariables(env) : [])] }
}

/** For each member of a matrix, whose files may be others. */
function usesOf(step: StepSpec, { env }: Pipeline, known: ExpressionContext): Uses[] {
  const path = ['steps', step.name]
  const condition = parseExpression(step.if ?? 'true')
  const uses = [
    ...(condition.ok ? inTree([...path, 'if'], condition.tree, { text: step.if ?? '', isCondition: true }) : []),
    ...templatesOf(step).flatMap((each) => inTemplate([...path, ...each.path], each.text)),
    ...inVariables(env),
  ]
  if (uses.length === 0) return []
  return membersOf(step).map((matrix) => {
    return { own: ownParams(step, { ...known, ...(matrix === undefined ? {} : { matrix }) }), uses }
  })
}

function inVariables(env: Pipeline['env']): Use[] {
  return Object.entries(env).flatMap(([name, text]) => inTemplate(['env', name], text))
}

function inTemplate(path: Path, text: string): Use[] {
  return parseTemplate(text).flatMap((part) => {
    if (part.kind !== 'expression') return []
    return inTree(path, part.tree, { text, from: part.from, isCondition: false })
  })
}

/** `from`: where in the text the tree's places count from. */
function inTree(
  path: Path,
  tree: Expression,
  { text, from = 0, isCondition }: { text: string; from?: number; isCondition: boolean },
): Use[] {
  return parts(tree).flatMap((part) => {
    if (part.kind !== 'name' || part.parts[0] !== 'params') return []
    return [{ path, names: part.parts.slice(1), isCondition, inside: { text, at: from + part.at } }]
  })
}

class ParamNames {
  readonly #named: readonly string[]
  readonly #contents: Readonly<Record<string, unknown>>
  readonly #isCertain: boolean

  constructor(
    named: readonly string[],
    contents: Readonly<Record<string, unknown>>,
    { perhapsMade = [] }: PlanContext,
  ) {
    this.#named = named
    this.#contents = contents
    // A step that is left out for its errors may name further files.
    this.#isCertain = perhapsMade.length === 0 && named.every((file) => Object.hasOwn(contents, file))
  }

  reasons({ names, isCondition }: Use, own: readonly string[]): Reason[] {
    const name = ['params', ...names].join('.')
    const first = this.#found(names, own)
    if (first.length === 0 && own.some((file) => !Object.hasOwn(this.#contents, file))) return []
    const found = first.length > 0 ? first : this.#found(names, this.#named)
    if (found.length === 0) return this.#isCertain ? [this.#missing(name, isCondition)] : []
    const [one, other] = distinct(found)
    if (one !== undefined && other !== undefined) {
      const where = first.length > 0 ? 'keep one of them' : 'name one of them'
      const message = `${name} is another value in ${one.file} than in ${other.file}: ${where} under \`params\` of the step`
      return [{ message }]
    }
    if (typeof one?.value !== 'object' || one.value === null) return []
    const kind = Array.isArray(one.value) ? 'a list' : 'a mapping'
    const message = `${name} is ${kind} in ${one.file}: an expression takes one text, number, true or false`
    return [{ message, severity: isCondition ? 'warning' : 'error' }]
  }

  #found(names: readonly string[], files: readonly string[]): { file: string; value: unknown }[] {
    return [...new Set(files)].flatMap((file) => {
      const value = valueAt(this.#contents[file], names)
      return value === undefined ? [] : [{ file, value }]
    })
  }

  #missing(name: string, isCondition: boolean): Reason {
    const files = this.#named.join(', ')
    const hint = didYouMean(
      name,
      this.#named.flatMap((file) => scalarNames(this.#contents[file], ['params'])),
    )
    const message =
      files === ''
        ? `there is no ${name}: name its file under \`params\` of the step`
        : `there is no ${name} in ${files}${hint}`
    return { message, severity: isCondition ? 'warning' : 'error' }
  }
}

function distinct(found: readonly { file: string; value: unknown }[]): { file: string; value: unknown }[] {
  const values = new Map<string, { file: string; value: unknown }>()
  for (const each of found) {
    const key = canonicalJson(each.value)
    if (!values.has(key)) values.set(key, each)
  }
  return [...values.values()]
}

/** What is wrong with an entry of `params`, as far as the contents of files say: a name in it that is not there. */
export function wrongParam(param: string, contents: Readonly<Record<string, unknown>>): string | undefined {
  const colon = param.indexOf(':')
  if (colon === -1) {
    const isName = !Object.hasOwn(contents, param) && valueAt(contents['params.yaml'], param.split('.')) !== undefined
    return isName ? `"${param}" is no file, but params.yaml has it: write "params.yaml:${param}"` : undefined
  }
  const [file, name] = [param.slice(0, colon), param.slice(colon + 1)]
  if (!Object.hasOwn(contents, file) || valueAt(contents[file], name.split('.')) !== undefined) return undefined
  return `${file} has no "${name}"${didYouMean(name, allNames(contents[file], []))}`
}

/** Undefined: it is not there. */
function valueAt(content: unknown, names: readonly string[]): unknown {
  let inner = content
  for (const name of names) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, name)) return undefined
    inner = (inner as Record<string, unknown>)[name]
  }
  return inner
}

const MOST_NAMES = 1_000

/** Dotted names of all that has a text. */
function scalarNames(content: unknown, path: readonly string[]): string[] {
  if (typeof content !== 'object' || content === null) return [path.join('.')]
  return Object.entries(content)
    .flatMap(([name, inner]) => scalarNames(inner, [...path, name]))
    .slice(0, MOST_NAMES)
}

/** Dotted names of everything in it. */
function allNames(content: unknown, path: readonly string[]): string[] {
  if (typeof content !== 'object' || content === null) return []
  return Object.entries(content)
    .flatMap(([name, inner]) => [[...path, name].join('.'), ...allNames(inner, [...path, name])])
    .slice(0, MOST_NAMES)
}
