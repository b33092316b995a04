import type { Problem } from '../core/problem.ts'
import { fixedPart } from './check-scripts.ts'
import { formatPath } from './path.ts'
import type { Pipeline } from './pipeline.ts'
import { knownKeys } from './schema.ts'
import { isBelow, isMapping, ownerOf, reliesOn, stepPaths } from './sound-rest.ts'

/** What a file with errors says for certain: enough to look for the problems that only a plan shows. */
export interface CertainPart {
  readonly pipeline: Pipeline
  /** Paths that the uncertain part may make: nobody is told that they are missing. `''`: any path. */
  readonly perhapsMade: readonly string[]
  /** Whether a problem of this part is one of the whole file, whatever was meant by what is left out. */
  readonly stands: (problem: Problem) => boolean
}

interface BrokenFile {
  /** As far as it could be read. */
  readonly pipeline: Pipeline
  /** As it stands in the text. */
  readonly value: unknown
  readonly touched: ReadonlySet<string>
  /** What was already found in values that could not be read, and in names that lead nowhere. */
  readonly unread: readonly Problem[]
  readonly wrongNames: readonly Problem[]
}

/** Without the steps of which something is not known: what is left has no more circles or equal outs than the whole. */
export function certainPart(file: BrokenFile): CertainPart {
  const owners = stepPaths(file.pipeline.steps.map(({ name }) => name))
  const touched = new Set([
    ...file.touched,
    ...file.unread.map(({ path }) => ownerOf(path, owners) ?? /^[\w-]*/.exec(path)?.[0] ?? ''),
    ...file.wrongNames.flatMap(({ path }) => touchedStep(path, owners)),
  ])
  const isCertain = (name: string) => !touched.has(formatPath(['steps', name]))
  const hasWrongSteps = [...touched, ...file.wrongNames.map(({ path }) => path)].some((path) => isBelow(path, 'steps'))
  return {
    pipeline: { ...file.pipeline, steps: file.pipeline.steps.filter(({ name }) => isCertain(name)) },
    perhapsMade: file.unread.length > 0 ? [''] : perhapsMade(file.value, touched),
    stands: ({ path, severity }) => {
      const owner = ownerOf(path, owners)
      // Which outcomes are known follows from all that steps wait for.
      if (owner !== undefined) return !hasWrongSteps || path !== `${owner}.if`
      const others = [
        ...(isBelow(path, 'build') ? ['', 'build'] : []),
        ...(severity === 'warning' ? ['', ...reliesOn(path)] : []),
      ]
      return others.every((key) => !touched.has(key))
    },
  }
}

/** A step's name, or a path of it, that is wrong leaves open what it makes; whom it needs does not. */
function touchedStep(path: string, owners: ReadonlySet<string>): string[] {
  const own = ownerOf(path, owners)
  if (own === undefined) return []
  const isAboutPaths = path === own || ABOUT_PATHS.some((key) => isBelow(path, `${own}.${key}`))
  return isAboutPaths ? [own] : []
}

const ABOUT_PATHS = ['deps', 'params', 'outs', 'metrics', 'checkpoint']

function perhapsMade(value: unknown, touched: ReadonlySet<string>): string[] {
  if (!isMapping(value) || !isMapping(value['steps'])) return ['']
  const known = new Set(knownKeys([]))
  const texts = new Set<string>()
  const areKnown = [
    ...Object.entries(value).map(([key, part]) => known.has(key) || collectTexts(part, texts)),
    !touched.has('data') || collectPaths(value['data'], texts),
    ...Object.entries(value['steps']).map(
      ([name, step]) => !touched.has(formatPath(['steps', name])) || collectMade(name, step, texts),
    ),
  ]
  return areKnown.includes(false) ? [''] : [...texts]
}

/** A key that is not known may stand for `outs`. */
function collectMade(name: string, step: unknown, texts: Set<string>): boolean {
  if (!isMapping(step)) return false
  const known = new Set(knownKeys(['steps', name]))
  return Object.entries(step).every(([key, part]) => {
    if (key === 'outs' || key === 'metrics') return collectPaths(part, texts)
    if (known.has(key)) return true
    return typeof part === 'object' ? collectPaths(part, texts) : collectTexts(part, texts)
  })
}

/** What should hold paths and holds no text was to hold others. */
function collectPaths(value: unknown, texts: Set<string>): boolean {
  const own = new Set<string>()
  const isWhole = collectTexts(value, own)
  for (const text of own) texts.add(text)
  return isWhole && own.size > 0
}

/** Every text and key inside a value; false: there are too many. */
function collectTexts(value: unknown, texts: Set<string>): boolean {
  if (typeof value === 'string' && value.length <= LONGEST_PATH) texts.add(fixedPart(value))
  if (typeof value !== 'object' || value === null) return texts.size <= MOST_TEXTS
  for (const [key, part] of Object.entries(value)) {
    if (!Array.isArray(value) && key.length <= LONGEST_PATH) texts.add(fixedPart(key))
    if (!collectTexts(part, texts)) return false
  }
  return true
}

const LONGEST_PATH = 1_000
const MOST_TEXTS = 5_000
