import type { z } from 'zod'
import type { Problem } from '../core/problem.ts'
import { placeOf, type FOREIGN_NAMES } from './foreign-names.ts'
import { CHECKS } from './keys/checks.ts'
import { formatPath, type Path } from './path.ts'
import { nearestWord } from './suggestion.ts'
import type { YamlSource } from './yaml-source.ts'

type Issue = z.core.$ZodIssue

/** A text, and which keys its language has inside a path. */
export interface ShapeSource {
  readonly yaml: YamlSource
  readonly knownKeys: (path: Path) => readonly string[]
  /** What keys of other tools are called here, by place. */
  readonly foreignNames: typeof FOREIGN_NAMES
}

/** What zod found, as problems in our words, each at its place in the text. */
export function shapeProblems(issues: readonly Issue[], source: ShapeSource): Problem[] {
  return issues.flatMap((issue) => problemsOf(issue, [], source))
}

function problemsOf(issue: Issue, parent: Path, source: ShapeSource): Problem[] {
  const { yaml } = source
  const path = [...parent, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))]
  const foreign = foreignAxis(path, source.foreignNames)
  if (foreign !== undefined) return [yaml.problemAt(path, foreign, { at: 'key' })]
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, path, source)
  if (issue.code === 'invalid_union') return unionProblems(issue, path, source)
  if (issue.code === 'invalid_type') return [typeProblem(issue, path, yaml)]
  if (issue.code === 'invalid_value') return [valueProblem(issue, path, yaml)]
  if (issue.code === 'invalid_key') {
    return [yaml.problemAt(path, issue.issues[0]?.message ?? 'this name is not allowed', { at: 'key' })]
  }
  return [yaml.problemAt(path, sentence(issue))]
}

/** Any key of a matrix names an axis, so those of other tools come as axes of the wrong kind. */
function foreignAxis(path: Path, names: typeof FOREIGN_NAMES): string | undefined {
  const key = String(path.at(-1))
  if (placeOf(path.slice(0, -1)) !== 'matrix' || path.length !== 4) return undefined
  const ours = ownName(names, 'matrix', key)
  return ours === undefined ? undefined : `unknown key "${key}": here it is ${ours}`
}

function ownName(all: typeof FOREIGN_NAMES, place: string, key: string): string | undefined {
  const names = all[place]
  return names !== undefined && Object.hasOwn(names, key) ? names[key] : undefined
}

function sentence(issue: Issue): string {
  if (issue.code === 'too_small' && issue.origin === 'array' && isZodsOwn(issue.message)) return 'name one at least'
  if (issue.code === 'too_small' && issue.origin === 'number' && isZodsOwn(issue.message)) {
    return `write a number ${issue.inclusive === true ? 'of at least' : 'above'} ${issue.minimum}`
  }
  if (issue.code === 'too_big' && issue.origin === 'number' && isZodsOwn(issue.message)) {
    return `write a number ${issue.inclusive === true ? 'of at most' : 'below'} ${issue.maximum}`
  }
  if (issue.code === 'too_big' && isZodsOwn(issue.message)) return 'that is too long'
  return issue.message
}

function isZodsOwn(message: string): boolean {
  return /^(Invalid|Too|Expected|Unrecognized)/.test(message)
}

function unknownKeys(keys: readonly string[], path: Path, source: ShapeSource): Problem[] {
  const known = source.knownKeys(path)
  // A long list of them is one mistake: looking for what each was meant to be would take its time.
  return keys.map((key, index) => unknownKey(key, path, index < 200 ? known : [], source))
}

function unknownKey(key: string, path: Path, known: readonly string[], { yaml, foreignNames }: ShapeSource): Problem {
  const own = [...path, key]
  const ours = ownName(foreignNames, placeOf(path), key)
  if (ours !== undefined) return yaml.problemAt(own, `unknown key "${key}": here it is ${ours}`, { at: 'key' })
  if (path.length === 0 && known.includes('steps') && isLikeAStep(key, yaml)) {
    return yaml.problemAt(own, `unknown key "${short(key)}": steps stand below \`steps:\``, { at: 'key' })
  }
  const near = nearestWord(key.replaceAll('_', '-'), known)
  const hint = near === undefined ? `: write one of ${known.join(', ')}` : `: did you mean "${near}"?`
  return yaml.problemAt(own, `unknown key "${short(key)}"${known.length === 0 ? '' : hint}`, { at: 'key' })
}

/** GitLab's jobs and Task's tasks stand at the top of their files. */
function isLikeAStep(key: string, { value }: YamlSource): boolean {
  const entry: unknown = (value as Record<string, unknown>)[key]
  if (typeof entry !== 'object' || entry === null) return false
  return ['run', 'script', 'cmd', 'command', 'stage', 'commands'].some((name) => Object.hasOwn(entry, name))
}

function typeProblem(issue: z.core.$ZodIssueInvalidType, path: Path, source: YamlSource): Problem {
  const last = path.at(-1)
  if (issue.input === undefined && typeof last === 'string') {
    return source.problemAt(path.slice(0, -1), `\`${last}\` is missing`, { at: 'key' })
  }
  if (!isZodsOwn(issue.message)) return source.problemAt(path, issue.message)
  const dvc = dvcEntry(issue, path)
  if (dvc !== undefined) return source.problemAt(path, dvc)
  return source.problemAt(
    path,
    `write ${kindName(issue.expected)}, not ${describe(issue.input)}${hintFor(issue, path)}`,
  )
}

/** DVC lets an entry be a mapping: `model.pkl: { cache: false }`, `params.yaml: [train]`. */
function dvcEntry({ input, expected }: z.core.$ZodIssueInvalidType, path: Path): string | undefined {
  const key = String(path[2])
  if (expected !== 'string' || path.length !== 4 || !['deps', 'outs', 'metrics', 'params'].includes(key))
    return undefined
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return undefined
  const [entry] = Object.entries(input as Record<string, unknown>)
  if (entry === undefined) return undefined
  const [name, value] = entry
  const part: unknown = Array.isArray(value) ? value[0] : undefined
  if (key === 'params' && typeof part === 'string') return `write it as one text: "${short(name)}:${short(part)}"`
  return `write the path alone: ${short(name)}`
}

function hintFor(issue: z.core.$ZodIssueInvalidType, path: Path): string {
  const { input, expected } = issue
  if (path.length === 1 && path[0] === 'on') return eventsHint(input)
  if (expected === 'array' && typeof input === 'string' && input.length < 60) return `: [${input}]`
  if (expected === 'string' && (typeof input === 'number' || typeof input === 'boolean')) return `: put it in quotes`
  return ''
}

/** GitHub also takes `on: push` and `on: [push, pull_request]`. */
function eventsHint(input: unknown): string {
  const given = Array.isArray(input) ? (input as unknown[]) : [input]
  const names = given.map((name) => (typeof name === 'string' ? EVENTS.get(name) : undefined))
  if (names.length === 0 || names.includes(undefined)) return ''
  return `: { ${[...new Set(names)].map((name) => `${name}: {}`).join(', ')} }`
}

const EVENTS: ReadonlyMap<string, string> = new Map([
  ['push', 'push'],
  ['pull_request', 'pull-request'],
  ['pull-request', 'pull-request'],
])

const KIND_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
  record: 'a mapping of names to values',
}

function kindName(kind: string): string {
  return KIND_NAMES[kind] ?? kind
}

function describe(input: unknown): string {
  if (input === null || input === undefined) return 'nothing'
  if (Array.isArray(input)) return 'a list'
  if (typeof input === 'object') return 'a mapping'
  return typeof input === 'string' ? `the text "${short(input)}"` : short(JSON.stringify(input))
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

function valueProblem(issue: z.core.$ZodIssueInvalidValue, path: Path, source: YamlSource): Problem {
  const last = path.at(-1)
  if (issue.input === undefined && typeof last === 'string') {
    const missing = `\`${last}\` is missing: write ${issue.values.map(String).join(', ')}`
    return source.problemAt(path.slice(0, -1), missing, { at: 'key' })
  }
  if (!isZodsOwn(issue.message)) return source.problemAt(path, issue.message)
  const values = issue.values.map(String)
  const near = typeof issue.input === 'string' ? nearestWord(issue.input, values) : undefined
  const hint = near === undefined ? '' : `: did you mean "${near}"?`
  return source.problemAt(
    path,
    `write ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}, not ${describe(issue.input)}${hint}`,
  )
}

/** Of the members of a union, the one that the value was meant to be: not of another kind altogether. */
function unionProblems(issue: z.core.$ZodIssueInvalidUnion, path: Path, source: ShapeSource): Problem[] {
  if (path.length === 2 && path[0] === 'gates') return gateProblems(issue, path, source)
  const meant = issue.errors.filter((errors) => errors.every((error) => error.path.length > 0 || !isWrongKind(error)))
  const [best] = meant.sort((a, b) => a.length - b.length)
  if (best !== undefined && best.length > 0) return best.flatMap((error) => problemsOf(error, path, source))
  if (issue.input === undefined && path.length > 0) {
    return [source.yaml.problemAt(path.slice(0, -1), `\`${formatPath(path.slice(-1))}\` is missing`, { at: 'key' })]
  }
  const message = isZodsOwn(issue.message) ? `this cannot be ${describe(issue.input)}` : issue.message
  return [source.yaml.problemAt(path, message)]
}

/** An entry of `gates` is a check when it says so, else a bound on a metric. */
function gateProblems(issue: z.core.$ZodIssueInvalidUnion, path: Path, source: ShapeSource): Problem[] {
  const [ofChecks = [], ofMetrics = []] = issue.errors
  const input: unknown = issue.input
  const check: unknown =
    typeof input === 'object' && input !== null && 'check' in input ? (input.check ?? null) : undefined
  if (check === undefined) return ofMetrics.flatMap((error) => problemsOf(error, path, source))
  const [union] = ofChecks
  const members = union?.code === 'invalid_union' ? union.errors : [ofChecks]
  const own = members.find((errors) => !errors.some((error) => error.path.length === 1 && error.path[0] === 'check'))
  if (own !== undefined) return own.flatMap((error) => problemsOf(error, path, source))
  const near = nearestWord(typeof check === 'string' ? check : '', CHECKS)
  const hint = near === undefined ? `: write one of ${CHECKS.join(', ')}` : `: did you mean "${near}"?`
  return [source.yaml.problemAt([...path, 'check'], `there is no check ${JSON.stringify(check)}${hint}`)]
}

function isWrongKind(issue: { readonly code?: string | undefined }): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value'
}
