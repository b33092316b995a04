import type { z } from 'zod'
import type { Problem } from '../core/problem.ts'
import { formatPath } from './path.ts'

type Issue = z.core.$ZodIssue
type Mapping = Record<string, unknown>

/** A file without what its shape problems are about, so that the rest can be checked as well. */
export interface SoundRest {
  readonly value: Mapping
  /** Whether what is found in the rest stands whatever was meant by the parts that were taken out. */
  readonly stands: (problem: Problem) => boolean
}

/** Undefined where so much is wrong that nothing certain can be said about the rest. */
export function soundRest(value: unknown, issues: readonly Issue[]): SoundRest | undefined {
  const rest: unknown = structuredClone(value)
  if (!isMapping(rest) || !isMapping(rest['steps'])) return undefined
  const touched = new Set<string>()
  for (const { path, ...issue } of issues) {
    const [first, name, key] = path.map(String)
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : []
    if (first === undefined || first !== 'steps') {
      touched.add('')
      for (const each of first === undefined ? keys : [first]) delete rest[each]
    } else {
      const step = name === undefined ? undefined : rest['steps'][name]
      if (name === undefined || issue.code === 'invalid_key' || !isMapping(step)) return undefined
      touched.add(name)
      for (const each of key === undefined ? keys : [key]) delete step[each]
      step['run'] ??= ':'
    }
  }
  return { value: rest, stands: (problem) => stands(problem, rest['steps'] as Mapping, touched) }
}

/**
 * A step that lost a key may have lost its matrix: only what it needs is certain. A file that lost one at its
 * top may have lost its model, or its build environments.
 */
function stands({ path }: Problem, steps: Mapping, touched: ReadonlySet<string>): boolean {
  const owner = Object.keys(steps).find((name) => isBelow(path, formatPath(['steps', name])))
  if (owner === undefined) return !touched.has('')
  const own = formatPath(['steps', owner])
  if (touched.has(owner)) return isBelow(path, `${own}.needs`)
  return !touched.has('') || !['build', 'endpoint'].some((key) => isBelow(path, `${own}.${key}`))
}

function isBelow(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}.`) || path.startsWith(`${parent}[`)
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
