import { parse as parseYaml, YAMLParseError } from 'yaml'
import { limit } from '../core/limits.ts'

export interface FlatMetrics {
  readonly metrics: Readonly<Record<string, number>>
  /** Why there are none, and where in the file. */
  readonly trouble?: { readonly line: number; readonly column: number; readonly message: string }
}

/**
 * A metrics file, JSON or YAML, as numbers by dotted name: `{"train": {"loss": 0.1}}` is `train.loss`. What is no finite
 * number is left out; Python's `NaN` is no JSON, and takes no other number with it.
 */
export function flattenMetrics(text: string): FlatMetrics {
  const metrics: Record<string, number> = {}
  try {
    const value = parse(text)
    if (typeof value !== 'object') return { metrics, trouble: { ...START, message: 'it has no names with numbers' } }
    collect(value, '', metrics, 0)
    return { metrics }
  } catch (error) {
    return { metrics: {}, trouble: troubleOf(error) }
  }
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
    const most = limit('metricsYamlBytes')
    if (Buffer.byteLength(text) > most) throw new Error(`of YAML at most ${most} bytes are read`)
    // Of a name that stands twice the last counts, as in JSON: to compare all with all takes minutes.
    return parseYaml(text, { logLevel: 'error', uniqueKeys: false })
  }
}

const START = { line: 1, column: 1 }

function troubleOf(error: unknown): NonNullable<FlatMetrics['trouble']> {
  const place = error instanceof YAMLParseError ? error.linePos?.[0] : undefined
  const { message } = error as Error
  const said = message.split('\n', 1)[0]?.replace(/ at line \d+, column \d+:$/, '') ?? ''
  return { line: place?.line ?? 1, column: place?.col ?? 1, message: `it is neither JSON nor YAML: ${said}` }
}
