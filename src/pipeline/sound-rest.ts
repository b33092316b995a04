import type { z } from 'zod'
import type { Problem } from '../core/problem.ts'
import { NO_AXIS } from './check-expressions.ts'
import { formatPath } from './path.ts'
import { knownKeys } from './schema.ts'
import { nearestWord } from './suggestion.ts'

type Issue = z.core.$ZodIssue
type Mapping = Record<string, unknown>

/** A file without what its shape problems are about, so that the rest can be checked as well. */
export interface SoundRest {
  readonly value: Mapping
  /** Paths of the steps and keys that lost something; `''`: the file has a key that could mean any other. */
  readonly touched: ReadonlySet<string>
  /** Whether what is found in the rest stands whatever was meant by the parts that were taken out. */
  readonly stands: (problem: Problem) => boolean
}

/** Undefined where so much is wrong that nothing certain can be said about the rest. */
export function soundRest(value: unknown, issues: readonly Issue[]): SoundRest | undefined {
  const rest: unknown = structuredClone(value)
  if (!isMapping(rest) || !isMapping(rest['steps'])) return undefined
  const { steps } = rest
  const touched = new Set<string>()
  for (const { path, ...issue } of issues) {
    const [first, name, key] = path.map(String)
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : []
    if (first !== 'steps') {
      touched.add(first ?? '')
      for (const each of first === undefined ? keys : [first]) delete rest[each]
    } else {
      if (name === undefined || issue.code === 'invalid_key') return undefined
      const step = isMapping(steps[name]) ? steps[name] : {}
      const lost = key === undefined ? keys : [key]
      if (!lost.every(isHarmless) || lost.length === 0) touched.add(formatPath(['steps', name]))
      for (const each of lost) delete step[each]
      steps[name] = { run: ':', ...step }
    }
  }
  const owners = stepPaths(Object.keys(steps))
  return { value: rest, touched, stands: (problem) => stands(problem, owners, touched) }
}

/** Keys of a step that say nothing about what it reads, makes and waits for; also where only nearly written so. */
function isHarmless(key: string): boolean {
  return HARMLESS.has(key) || HARMLESS.has(nearestWord(key.replaceAll('_', '-'), knownKeys(['steps', 'any'])) ?? '')
}

const HARMLESS = new Set(['timeout', 'silence-timeout', 'retry', 'resources', 'runs-on', 'secrets'])

/**
 * A step that lost a key may have lost its matrix: which axes it has is not certain, but all else that it says. A
 * file that lost one at its top may have lost its model, or its build environments.
 */
function stands({ path, message }: Problem, owners: ReadonlySet<string>, touched: ReadonlySet<string>): boolean {
  const owner = ownerOf(path, owners)
  if (owner === undefined) return !touched.has('') && reliesOn(path).every((key) => !touched.has(key))
  // Where it stands says nothing: it may be in any text of the step.
  if (touched.has(owner) && message.startsWith(NO_AXIS)) return false
  const lost = (key: string) => touched.has('') || touched.has(key)
  return !(lost('build') && isBelow(path, `${owner}.build`)) && !(lost('model') && isBelow(path, `${owner}.endpoint`))
}

/** As `steps.train`, to ask `ownerOf` with. */
export function stepPaths(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => formatPath(['steps', name])))
}

/** Of some steps the one that a path is about, as `steps.train`. */
export function ownerOf(path: string, owners: ReadonlySet<string>): string | undefined {
  const own = STEP_PATH.exec(path)?.[0]
  return own !== undefined && owners.has(own) ? own : undefined
}

/** What `formatPath` makes of a step's name. */
const STEP_PATH = /^steps(?:\.[\w-]+|\["(?:[^"\\]|\\.)*"\])/

/** Other keys of the file that what is said about this one depends on. */
export function reliesOn(path: string): readonly string[] {
  return RELIES_ON[/^[\w-]*/.exec(path)?.[0] ?? ''] ?? []
}

const RELIES_ON: Readonly<Record<string, readonly string[]>> = {
  data: ['build'],
  model: ['environments'],
  evaluation: ['model', 'gates'],
  gates: ['model', 'evaluation'],
  environments: ['model', 'evaluation'],
}

export function isBelow(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}.`) || path.startsWith(`${parent}[`)
}

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
