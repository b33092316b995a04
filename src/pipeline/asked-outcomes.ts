import type { PlanStep } from '../core/plan.ts'
import { parseExpression, parts } from './expression.ts'

/** Names of the steps whose outcomes an `if` asks for; the name of a matrix means all its members. */
export function outcomesIn(condition: string | undefined): string[] {
  return outcomePlaces(condition).map(({ step }) => step)
}

/** The same, with where in the condition each stands. */
export function outcomePlaces(condition: string | undefined): { readonly step: string; readonly at: number }[] {
  const parsed = parseExpression(condition ?? '')
  if (condition === undefined || !parsed.ok) return []
  return parts(parsed.tree).flatMap((part) =>
    part.kind === 'name' && part.parts[0] === 'steps' ? [{ step: part.parts[1] ?? '', at: part.at }] : [],
  )
}

/** By step: keys of all steps whose outcomes its `if` asks for. Steps that ask for none are left out. */
export function askedOutcomes(steps: Iterable<PlanStep>): Map<string, string[]> {
  const all = [...steps]
  const asking = all.flatMap((step) => {
    const names = new Set(outcomesIn(step.if))
    return names.size === 0 ? [] : [{ key: step.key, names }]
  })
  if (asking.length === 0) return new Map()
  const keysOf = Map.groupBy(
    all.map(({ key }) => key),
    nameOfKey,
  )
  return new Map(asking.map(({ key, names }) => [key, [...names].flatMap((name) => keysOf.get(name) ?? [])]))
}

/** `unit` of `unit (0, 3.11)`. */
export function nameOfKey(key: string): string {
  return key.split(' (', 1)[0] ?? key
}
