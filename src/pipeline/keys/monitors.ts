import { z } from 'zod'
import type { MonitorAction, MonitorSpec, MonitorWindow, Percentile } from '../pipeline.ts'
import { didYouMean } from '../suggestion.ts'
import { freeName } from './gates.ts'
import { ALL_METRICS, isMetric } from './metrics.ts'
import { defined, Duration, durationMs, refuse, Text } from './scalars.ts'

const DAY_MS = 86_400_000

const Window = z.string({ error: 'write a time as 1d, or `500 rows`' }).transform((text, context): MonitorWindow => {
  const rows = /^(\d{1,9}) rows?$/.exec(text)?.[1]
  if (rows !== undefined && Number(rows) > 0) return { kind: 'rows', rows: Number(rows) }
  const ms = durationMs(text)
  if (ms !== undefined && ms > 0) return { kind: 'time', ms }
  return refuse(context, 'write a time as 1d, or `500 rows`')
})

const ForWindows = z
  .string({ error: 'write `2 windows`' })
  .regex(/^[1-9]\d{0,2} windows?$/, 'write `2 windows`')
  .transform((text) => Number.parseInt(text, 10))

const RetrainLimit = z.string().transform((text, context) => {
  const [, runs, per] = /^([1-9]\d{0,3}) per (\S+)$/.exec(text) ?? []
  const perMs = per === undefined ? undefined : durationMs(per)
  if (runs === undefined || perMs === undefined) return refuse(context, 'write `2 per 30d`')
  return { runs: Number(runs), perMs }
})

const Retrain = z
  .strictObject({
    cooldown: Duration.describe('between two retraining runs; default: 1d').default(DAY_MS),
    limit: RetrainLimit.describe('at most so many, as `2 per 30d`').exactOptional(),
  })
  .transform((raw): MonitorAction => ({ kind: 'retrain', cooldownMs: raw.cooldown, ...defined({ limit: raw.limit }) }))

const Action = z.union(
  [
    z.enum(['notify', 'rollback']).transform((kind): MonitorAction => ({ kind })),
    z.literal('retrain').transform((): MonitorAction => ({ kind: 'retrain', cooldownMs: DAY_MS })),
    z.strictObject({ retrain: Retrain }).transform((raw) => raw.retrain),
  ],
  { error: 'write notify, rollback, retrain, or { retrain: { cooldown: 7d } }' },
)

const RawMonitor = z.strictObject({
  kind: z.enum(['drift', 'quality', 'performance', 'latency']).describe('what is watched'),
  features: z
    .union([z.literal('all'), z.array(Text).min(1)], { error: 'write `all`, or a list of columns' })
    .describe('columns that drift looks at; default: all')
    .exactOptional(),
  metric: Text.describe('for kind performance').exactOptional(),
  min: z.number().describe('for kind performance').exactOptional(),
  max: z.number().describe('for kind performance').exactOptional(),
  p50: Duration.describe('for kind latency').exactOptional(),
  p95: Duration.describe('for kind latency').exactOptional(),
  p99: Duration.describe('for kind latency').exactOptional(),
  window: Window.describe('a time, or `500 rows`; default: 1d').default({ kind: 'time', ms: DAY_MS }),
  for: ForWindows.describe('so many windows in a row; default: 1').default(1),
  actions: z
    .array(Action)
    .describe('what is done about an alert; default: notify')
    .default([{ kind: 'notify' }]),
})

type Raw = z.output<typeof RawMonitor>

const OWN_KEYS: Readonly<Record<MonitorSpec['kind'], readonly string[]>> = {
  drift: ['features'],
  quality: [],
  performance: ['metric', 'min', 'max'],
  latency: ['p50', 'p95', 'p99'],
}

const Monitor = RawMonitor.transform((raw, context): MonitorSpec => {
  const known = ['kind', 'window', 'for', 'actions', ...OWN_KEYS[raw.kind]]
  const wrong = Object.keys(raw).find((key) => !known.includes(key))
  if (wrong !== undefined) return refuse(context, `a monitor of kind ${raw.kind} has no \`${wrong}\``, [wrong])
  const shared = { name: raw.kind, window: raw.window, forWindows: raw.for, actions: raw.actions }
  switch (raw.kind) {
    case 'drift':
      return { ...shared, kind: 'drift', features: raw.features ?? 'all' }
    case 'quality':
      return { ...shared, kind: 'quality' }
    case 'performance': {
      const { metric, min, max } = raw
      if (metric === undefined) return refuse(context, '`metric` is missing: write accuracy, for instance')
      if (!isMetric(metric)) {
        return refuse(context, `there is no metric "${metric}"${didYouMean(metric, ALL_METRICS)}`, ['metric'])
      }
      if (min === undefined && max === undefined) return refuse(context, 'write `min` or `max`')
      return { ...shared, kind: 'performance', name: `performance-${metric}`, metric, ...defined({ min, max }) }
    }
    case 'latency': {
      const percentiles = ([50, 95, 99] as const).filter((percentile) => raw[`p${percentile}`] !== undefined)
      const [percentile] = percentiles
      if (percentile === undefined || percentiles.length > 1) return refuse(context, 'write one of `p50`, `p95`, `p99`')
      return {
        ...shared,
        kind: 'latency',
        name: `latency-p${percentile}`,
        percentile,
        maxMs: latencyOf(raw, percentile),
      }
    }
  }
})

function latencyOf(raw: Raw, percentile: Percentile): number {
  return raw[`p${percentile}`] ?? 0
}

/** `monitors:` */
export const Monitors = z.array(Monitor).transform((monitors): MonitorSpec[] => {
  const taken = new Set<string>()
  return monitors.map((monitor) => ({ ...monitor, name: freeName(monitor.name, taken) }))
})
