import { z } from 'zod'
import type { GuardRail } from '../pipeline.ts'
import { freeName } from './gates.ts'
import { ALL_METRICS, isMetric, LATENCIES, latencyPercentile } from './metrics.ts'
import { Duration, defined, Name, refuse, Share } from './scalars.ts'
import { didYouMean } from '../suggestion.ts'

type Unnamed = GuardRail extends infer R ? (R extends unknown ? Omit<R, 'name'> : never) : never

const RawRail = z.strictObject({
  metric: Name.describe('error-rate, latency-p50, latency-p95, latency-p99, or a metric that labels give'),
  min: z.number().describe('for a metric from labels').exactOptional(),
  max: z
    .union([Share, Duration.transform((ms) => ({ ms }))], { error: 'write a share as 1%, or a time as 250ms' })
    .exactOptional(),
  'max-increase': Share.describe('of the error rate over the champion’s').exactOptional(),
  'max-decrease': z.number().min(0).describe('of a metric from labels under the champion’s').exactOptional(),
})

/** One entry of `guard-rails:`, still without its name. */
const Rail = RawRail.transform((raw, context): Unnamed => {
  const { metric, min, max, 'max-increase': maxIncrease, 'max-decrease': maxDecrease } = raw
  const allowed = allowedKeys(metric)
  if (allowed === undefined) return refuse(context, unknownMetric(metric), ['metric'])
  const wrong = Object.keys(raw).find((key) => key !== 'metric' && !allowed.includes(key))
  if (wrong !== undefined) return refuse(context, `a guard rail on ${metric} has ${quoted(allowed)}`, [wrong])
  if (!allowed.some((key) => key in raw)) return refuse(context, `write ${quoted(allowed)}`)
  const percentile = latencyPercentile(metric)
  if (percentile !== undefined) {
    return typeof max === 'object'
      ? { kind: 'latency', percentile, maxMs: max.ms }
      : refuse(context, 'write a time, as 250ms', ['max'])
  }
  if (typeof max === 'object') return refuse(context, 'write a share as 1%', ['max'])
  if (metric === 'error-rate') return { kind: 'errors', ...defined({ max, maxIncrease }) }
  return { kind: 'labels', metric, ...defined({ min, maxDecrease }) }
})

function allowedKeys(metric: string): string[] | undefined {
  if (metric === 'error-rate') return ['max', 'max-increase']
  if (latencyPercentile(metric) !== undefined) return ['max']
  return isMetric(metric) ? ['min', 'max-decrease'] : undefined
}

function unknownMetric(metric: string): string {
  const near = didYouMean(metric, ['error-rate', ...LATENCIES, ...ALL_METRICS])
  return `there is no metric "${metric}"${near === '' ? ': write error-rate, latency-p99 or accuracy' : near}`
}

function quoted(keys: readonly string[]): string {
  return keys.map((key) => `\`${key}\``).join(' or ')
}

/** `guard-rails:` */
export const GuardRails = z.array(Rail).transform((rails): GuardRail[] => {
  const taken = new Set<string>()
  return rails.map((rail) => ({ ...rail, name: freeName(railName(rail), taken) }))
})

function railName(rail: Unnamed): string {
  if (rail.kind === 'errors') return 'error-rate'
  return rail.kind === 'latency' ? `latency-p${rail.percentile}` : rail.metric
}
