/**
 * A metrics file as numbers by dotted name: `{"train": {"loss": 0.1}}` is `train.loss`. What is no finite
 * number is left out, and so is a file that is no JSON: metrics are told, not demanded.
 */
export function flattenMetrics(text: string): Record<string, number> {
  const metrics: Record<string, number> = {}
  collect(parse(text), '', metrics, 0)
  return metrics
}

const MOST = 1_000
/** A file made to be deeper than this is nobody's metrics. */
const MOST_DEPTH = 20

function collect(value: unknown, name: string, into: Record<string, number>, depth: number): void {
  if (depth > MOST_DEPTH || Object.keys(into).length >= MOST) return
  if (typeof value === 'number' && Number.isFinite(value) && isName(name)) into[name] = value
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value))
    collect(member, name === '' ? key : `${name}.${key}`, into, depth + 1)
}

/** Postgres keeps no NUL in text. */
function isName(name: string): boolean {
  return name !== '' && name.length <= 500 && !name.includes('\0')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
