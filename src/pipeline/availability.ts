import { isMetric } from './keys/metrics.ts'
import type { Path } from './path.ts'
import type { YamlSource } from './yaml-source.ts'
import type { Problem } from '../core/problem.ts'

interface Unavailable {
  /** Keys from the root; `*` is any key or position. */
  readonly path: string
  /** Only values like this; absent: whatever it is. */
  readonly when?: (value: unknown) => boolean
  /** The words that are refused; default: the last key. */
  readonly what?: string
  readonly instead: string
}

/**
 * What the language has and this version does not do yet: the only list. A version that can do one of
 * these deletes its line and adds the key to its file under `keys/`.
 */
export const UNAVAILABLE: readonly Unavailable[] = [
  {
    path: 'build.image',
    what: 'an image as build environment',
    when: (value) => typeof value === 'string',
    instead: 'use `dependencies` or `interpreter`; `image: { file: Dockerfile }` builds one of the commit',
  },
  { path: 'steps.*.runs-on', what: 'another pool than local', when: isNot('local'), instead: 'write `runs-on: local`' },
  {
    path: 'environments.*.replicas',
    what: 'more than one replica',
    when: (value) => typeof value === 'number' && value > 1,
    instead: 'write `replicas: 1`',
  },
  {
    path: 'environments.*.labels.key',
    what: 'a business key for labels',
    when: isNot('request'),
    instead: 'write `key: request`, and send labels by the prediction id',
  },
  { path: 'environments.*.shadow', instead: 'use `rollout` phases with a small weight' },
  {
    path: 'environments.*.runs-on',
    what: 'another pool than local',
    when: isNot('local'),
    instead: 'write `runs-on: local`',
  },
  {
    path: 'environments.*.guard-rails.*',
    what: 'a guard rail on another metric from labels than accuracy',
    when: hasMetricBut(['accuracy']),
    instead: 'write `metric: accuracy`',
  },
  {
    path: 'environments.*.monitors.*',
    what: 'watching another metric than accuracy, mae and rmse',
    when: hasMetricBut(['accuracy', 'mae', 'rmse']),
    instead: 'write one of these',
  },
  { path: 'batch', instead: 'leave it out: the name is reserved' },
]

/**
 * Names what the file asks for that is not available yet, and takes it out so that the rest is still
 * checked. An entry of a list leaves a hole, so that the ones after it keep their positions.
 */
export function takeOutUnavailable(source: YamlSource): Problem[] {
  const problems: Problem[] = []
  for (const entry of UNAVAILABLE) {
    for (const place of places(source.value, entry.path.split('.'), [])) {
      if (entry.when !== undefined && !entry.when(place.value)) continue
      const what = entry.what ?? `\`${String(place.path.at(-1))}\``
      const message = `${what} is known, but not available yet: ${entry.instead}`
      problems.push(source.problemAt(place.path, message, { at: 'key' }))
      place.remove()
    }
  }
  return problems
}

interface FoundPlace {
  readonly path: Path
  readonly value: unknown
  remove(): void
}

function places(value: unknown, pattern: readonly string[], path: Path): FoundPlace[] {
  const [first, ...rest] = pattern
  if (first === undefined || typeof value !== 'object' || value === null) return []
  const container = value as Record<string, unknown>
  const keys = first === '*' ? Object.keys(container) : Object.hasOwn(container, first) ? [first] : []
  return keys.flatMap((key) => {
    const own = [...path, Array.isArray(value) ? Number(key) : key]
    if (rest.length > 0) return places(container[key], rest, own)
    return [{ path: own, value: container[key], remove: () => void delete container[key] }]
  })
}

function isNot(word: string): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && value !== word
}

/** A metric there is, but not one of these. */
function hasMetricBut(available: readonly string[]): (value: unknown) => boolean {
  return (value) => {
    const metric: unknown = typeof value === 'object' && value !== null && 'metric' in value ? value.metric : undefined
    return typeof metric === 'string' && isMetric(metric) && !available.includes(metric)
  }
}
