import { assertNever } from '../lib/assert-never.ts'
import { readExpression } from './expression-reader.ts'
import type { MatrixMember } from './pipeline.ts'

export type ExpressionValue = string | number | boolean | null

/** `at` counts characters from the start of the text that was parsed. */
export type Expression =
  | { readonly kind: 'literal'; readonly at: number; readonly value: ExpressionValue }
  /** `branch`, `matrix.seed`, `steps.train.outcome`. */
  | { readonly kind: 'name'; readonly at: number; readonly parts: readonly string[] }
  | { readonly kind: 'call'; readonly at: number; readonly name: StatusFunction }
  | { readonly kind: 'not'; readonly at: number; readonly operand: Expression }
  | {
      readonly kind: 'both'
      readonly at: number
      readonly operator: 'and' | 'or'
      readonly left: Expression
      readonly right: Expression
    }
  | {
      readonly kind: 'compare'
      readonly at: number
      readonly operator: Comparison
      readonly left: Expression
      readonly right: Expression
    }

export type StatusFunction = 'success' | 'failure' | 'always'

export type Comparison = '==' | '!=' | '<=' | '>=' | '<' | '>'

export interface ExpressionContext {
  readonly branch: string
  readonly event: string
  readonly tag?: string
  readonly matrix?: MatrixMember
  /** Contents of the params files, by file. */
  readonly params?: Readonly<Record<string, unknown>>
  /** How a step ended: `succeeded`, `failed`, `skipped`, `cancelled`; undefined while it has not. */
  readonly outcome?: (step: string) => string | undefined
  /** What became of the step's needs; `skipped`: one was, and nothing behind it failed. Absent: all succeeded. */
  readonly needs?: 'succeeded' | 'failed' | 'skipped'
}

export type ParsedExpression =
  | { readonly ok: true; readonly tree: Expression }
  | { readonly ok: false; readonly at: number; readonly message: string }

/** Parses `branch == 'main' and success()`; a `${{ }}` around the whole is allowed. Never throws. */
export function parseExpression(text: string): ParsedExpression {
  const known = parsed.get(text)
  if (known !== undefined) return known
  if (parsed.size >= REMEMBERED) parsed.clear()
  const made = parseAnew(text)
  parsed.set(text, made)
  return made
}

/** The engine asks again and again, for each step that waits, and mostly about the same few. */
const REMEMBERED = 500
const parsed = new Map<string, ParsedExpression>()

function parseAnew(text: string): ParsedExpression {
  const [, before, inner] = /^(\s*\$\{\{)([\s\S]*)\}\}\s*$/.exec(text) ?? []
  // Blanks in place of the braces leave everything where it stands.
  return readExpression(before === undefined || inner === undefined ? text : ' '.repeat(before.length) + inner)
}

/** Every expression has a value, whatever the context: what is not known is null, and null is false. */
export function evaluate(tree: Expression, context: ExpressionContext): ExpressionValue {
  switch (tree.kind) {
    case 'literal':
      return tree.value
    case 'name':
      return lookUp(tree.parts, context)
    case 'call':
      return callValue(tree.name, context.needs ?? 'succeeded')
    case 'not':
      return !isTrue(evaluate(tree.operand, context))
    case 'both': {
      const left = isTrue(evaluate(tree.left, context))
      if (left === (tree.operator === 'or')) return left
      return isTrue(evaluate(tree.right, context))
    }
    case 'compare':
      return compare(tree.operator, evaluate(tree.left, context), evaluate(tree.right, context))
    default:
      return assertNever(tree)
  }
}

function callValue(name: StatusFunction, needs: NonNullable<ExpressionContext['needs']>): boolean {
  if (name === 'always') return true
  return needs === (name === 'success' ? 'succeeded' : 'failed')
}

/**
 * Whether a step runs: its `if`, or `success()` where there is none. As in other CI systems, an
 * expression that asks for no status (`success()`, `failure()`, `always()`) holds only when the needs
 * succeeded.
 */
export function stepRuns(condition: string | undefined, context: ExpressionContext): boolean {
  const parsed = parseExpression(condition ?? 'success()')
  if (!parsed.ok) return false
  const asksStatus = parts(parsed.tree).some((part) => part.kind === 'call')
  return (asksStatus || (context.needs ?? 'succeeded') === 'succeeded') && isTrue(evaluate(parsed.tree, context))
}

/** The text of a value as it goes into paths and variables; null is empty. */
export function valueText(value: ExpressionValue): string {
  return value === null ? '' : String(value)
}

/** The expression and everything in it. */
export function parts(tree: Expression): Expression[] {
  switch (tree.kind) {
    case 'literal':
    case 'name':
    case 'call':
      return [tree]
    case 'not':
      return [tree, ...parts(tree.operand)]
    case 'both':
    case 'compare':
      return [tree, ...parts(tree.left), ...parts(tree.right)]
    default:
      return assertNever(tree)
  }
}

/**
 * The same expression with everything a plan knows (branch, event, tag, matrix, params) as literals, so
 * that only outcomes are left for when the step is about to run.
 */
export function bindExpression(text: string, context: ExpressionContext): string {
  const parsed = parseExpression(text)
  return parsed.ok ? print(parsed.tree, context) : text
}

function print(tree: Expression, context: ExpressionContext): string {
  switch (tree.kind) {
    case 'literal':
      return printValue(tree.value)
    case 'name':
      return tree.parts[0] === 'steps' ? tree.parts.join('.') : printValue(lookUp(tree.parts, context))
    case 'call':
      return `${tree.name}()`
    case 'not':
      return `not (${print(tree.operand, context)})`
    case 'both':
    case 'compare':
      return `(${print(tree.left, context)} ${tree.operator} ${print(tree.right, context)})`
    default:
      return assertNever(tree)
  }
}

function printValue(value: ExpressionValue): string {
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value)
}

function isTrue(value: ExpressionValue): boolean {
  return value !== null && value !== false && value !== 0 && value !== ''
}

function compare(operator: Comparison, left: ExpressionValue, right: ExpressionValue): boolean {
  if (operator === '==') return left === right
  if (operator === '!=') return left !== right
  const comparable = typeof left === typeof right && (typeof left === 'number' || typeof left === 'string')
  if (!comparable || left === null || right === null) return false
  if (operator === '<') return left < right
  if (operator === '<=') return left <= right
  return operator === '>' ? left > right : left >= right
}

function lookUp(names: readonly string[], context: ExpressionContext): ExpressionValue {
  const [first, ...rest] = names
  if (first === 'branch') return context.branch
  if (first === 'event') return context.event
  if (first === 'tag') return context.tag ?? null
  if (first === 'matrix') return scalar(member(context.matrix, rest))
  if (first === 'steps') return context.outcome?.(rest[0] ?? '') ?? null
  if (first !== 'params') return null
  for (const content of Object.values(context.params ?? {})) {
    const value = member(content, rest)
    if (value !== undefined) return scalar(value)
  }
  return null
}

function member(value: unknown, names: readonly string[]): unknown {
  let inner = value
  for (const name of names) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, name)) return undefined
    inner = (inner as Record<string, unknown>)[name]
  }
  return inner
}

function scalar(value: unknown): ExpressionValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
}
