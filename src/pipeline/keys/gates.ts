import { z } from 'zod'
import type { GateSpec } from '../pipeline.ts'
import { isCheck } from '../checks.ts'
import { sliceName } from '../slice-name.ts'
import { Check, checkName } from './checks.ts'
import { ALL_METRICS, LATENCIES, latencyPercentile, MODEL_SIZE } from './metrics.ts'
import { Count, defined, Duration, Name, refuse, Size, Text } from './scalars.ts'

type Unnamed = GateSpec extends infer G ? (G extends unknown ? Omit<G, 'name'> : never) : never

const SIZE_HINT = 'write a size, as 50MiB'
const LATENCY_HINT = 'write a time, as 20ms'

const RawGate = z.strictObject({
  metric: Name.describe(`${LATENCIES.join(', ')}, model-size, or a metric: ${ALL_METRICS.join(', ')}`),
  min: z.number({ error: 'write a number' }).describe('the metric must be at least this').exactOptional(),
  max: z
    .union([z.number(), Duration.transform((ms) => ({ ms })), Size.transform((bytes) => ({ bytes }))], {
      error: 'write a number, a time as 20ms, or a size as 50MiB',
    })
    .describe('the metric must be at most this; a time for latencies')
    .exactOptional(),
  against: z.literal('champion').describe('compare with the version that serves the last environment').exactOptional(),
  margin: z.number().min(0).describe('how much worse than the champion is still let through').exactOptional(),
  confidence: z
    .number()
    .gt(0.5)
    .lt(1)
    .describe('of the comparison; default: 0.95. Of a bound: it must hold for the true value')
    .exactOptional(),
  slice: z
    .union([Text, z.tuple([Text, Text]).transform(sliceName)], {
      error: 'write a slice, or two columns as [digit, ink]',
    })
    .describe('every value of this column must hold by itself; of two every combination')
    .exactOptional(),
  'min-rows': Count.describe('slice values with fewer rows are not judged; default: 1').exactOptional(),
})

/** One entry of `gates:`, still without its name. */
const Gate = RawGate.transform((raw, context): Unnamed => {
  const wrong = wrongGate(raw)
  if (wrong !== undefined) return refuse(context, wrong.message, wrong.path)
  if (raw.metric === MODEL_SIZE) {
    return typeof raw.max === 'object' && 'bytes' in raw.max
      ? { kind: 'size', maxBytes: raw.max.bytes }
      : refuse(context, SIZE_HINT, ['max'])
  }
  const percentile = latencyPercentile(raw.metric)
  if (percentile !== undefined) {
    return typeof raw.max === 'object' && 'ms' in raw.max
      ? { kind: 'latency', percentile, maxMs: raw.max.ms }
      : refuse(context, LATENCY_HINT, ['max'])
  }
  if (typeof raw.max === 'object')
    return refuse(
      context,
      `write a number: only ${'ms' in raw.max ? 'latencies have a time' : 'model-size has a size'}`,
      ['max'],
    )
  const shared = { metric: raw.metric, ...defined({ slice: raw.slice }), minRows: raw['min-rows'] ?? 1 }
  if (raw.against === undefined) {
    const { min, max, confidence } = raw
    return { kind: 'absolute', ...shared, ...defined({ min, max, confidence }) }
  }
  return { kind: 'champion', ...shared, margin: raw.margin ?? 0, confidence: raw.confidence ?? 0.95 }
})

function wrongGate(raw: z.output<typeof RawGate>): { message: string; path: string[] } | undefined {
  const says = (key: keyof typeof raw) => raw[key] !== undefined
  const refused = (keys: (keyof typeof raw)[], message: string) => {
    const key = keys.find(says)
    return key === undefined ? undefined : { message, path: [key] }
  }
  if (raw.metric === MODEL_SIZE) {
    if (!says('max')) return { message: `\`max\` is missing: ${SIZE_HINT}`, path: [] }
    return refused(
      ['min', 'against', 'margin', 'confidence', 'slice', 'min-rows'],
      'a gate on model-size has `max` only',
    )
  }
  if (latencyPercentile(raw.metric) !== undefined) {
    if (!says('max')) return { message: `\`max\` is missing: ${LATENCY_HINT}`, path: [] }
    return refused(['min', 'against', 'margin', 'confidence', 'slice', 'min-rows'], 'a gate on latency has `max` only')
  }
  if (says('min-rows') && !says('slice')) return { message: '`min-rows` needs `slice`', path: ['min-rows'] }
  if (says('against')) {
    if (!says('margin')) return { message: '`margin` is missing: how much worse is let through, as 0.02', path: [] }
    return refused(['min', 'max'], 'a gate against the champion has a `margin`; write a second gate for `min` or `max`')
  }
  const comparison = refused(['margin'], 'this needs `against: champion`')
  if (comparison !== undefined) return comparison
  return says('min') || says('max') ? undefined : { message: 'write `min`, `max` or `against: champion`', path: [] }
}

/** `gates:` */
export const Gates = z.array(z.union([Check, Gate])).transform((gates): GateSpec[] => {
  const taken = new Set<string>()
  return gates.map((gate) => ({ ...gate, name: freeName(gateName(gate), taken) }))
})

function gateName(gate: Unnamed): string {
  if (isUnnamedCheck(gate)) return checkName(gate)
  if (gate.kind === 'latency') return `latency-p${gate.percentile}`
  const slice = gate.slice === undefined ? '' : `-${gate.slice}`
  return `${gate.metric}${slice}${gate.kind === 'champion' ? '-vs-champion' : ''}`
}

function isUnnamedCheck(gate: Unnamed): gate is Exclude<Unnamed, { kind: 'absolute' | 'champion' | 'latency' }> {
  return isCheck(gate)
}

/** The name itself, or with `-2`, `-3` … where it is taken. */
export function freeName(name: string, taken: Set<string>): string {
  let free = name
  for (let number = 2; taken.has(free); number++) free = `${name}-${number}`
  taken.add(free)
  return free
}
