import type { Problem } from '../core/problem.ts'
import { ALL_METRICS, isMetric, LATENCIES, latencyPercentile, MODEL_SIZE } from './keys/metrics.ts'
import { didYouMean } from './suggestion.ts'
import type { YamlSource } from './yaml-source.ts'

/**
 * Gates on metrics that nobody knows, in a file whose other mistakes keep it from being checked further: all
 * problems are told at once. Metrics of the author's own are known by the file alone.
 */
export function unknownMetrics({ value, problemAt }: YamlSource): Problem[] {
  const own = Object.keys(inside(inside(value, 'evaluation'), 'metrics') ?? {})
  const gates: unknown = inside(value, 'gates')
  if (!Array.isArray(gates)) return []
  return gates.flatMap((gate: unknown, index) => {
    const metric: unknown = inside(gate, 'metric')
    if (typeof metric !== 'string' || isMetric(metric) || own.includes(metric)) return []
    if (latencyPercentile(metric) !== undefined || metric === MODEL_SIZE) return []
    return [problemAt(['gates', index, 'metric'], unknownMetric(metric, [...ALL_METRICS, ...own]))]
  })
}

export function unknownMetric(metric: string, known: readonly string[]): string {
  const near = didYouMean(metric, [...known, ...LATENCIES, MODEL_SIZE])
  return `there is no metric "${metric}"${near === '' ? `: write one of ${known.join(', ')}` : near}`
}

function inside(value: unknown, key: string): object | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string, object>)[key]
}
