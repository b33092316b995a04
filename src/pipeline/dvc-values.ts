import { isRecord } from '../lib/is-record.ts'
import { readYaml } from './yaml-source.ts'

/** What `${…}` of a dvc.yaml may name: `vars`, and all of params.yaml. */
export type DvcScope = Readonly<Record<string, unknown>>

/** Entries of `vars` are mappings, and files (`file.yaml`, `file.yaml:key,key`); params.yaml is always read. */
export function dvcValues(vars: unknown, readText: (path: string) => string | undefined): DvcScope {
  const values: Record<string, unknown> = {}
  const entries = Array.isArray(vars) ? (vars as unknown[]) : []
  for (const entry of ['params.yaml', ...entries]) {
    if (typeof entry === 'string') Object.assign(values, fileValues(entry, readText))
    else if (isRecord(entry)) Object.assign(values, entry)
  }
  return values
}

function fileValues(entry: string, readText: (path: string) => string | undefined): Record<string, unknown> {
  const [file = '', keys] = entry.split(':', 2)
  const value = readYaml(readText(file) ?? '', file).value
  if (!isRecord(value)) return {}
  if (keys === undefined) return value
  const wanted = new Set(keys.split(','))
  return Object.fromEntries(Object.entries(value).filter(([key]) => wanted.has(key)))
}

interface MatrixNames {
  /** Our expression for `item`, `item.x` or `key`. */
  expression(name: string): string | undefined
}

/**
 * The text with its `${…}` replaced: members of a matrix by our expressions, others by their values as they are
 * now. Undefined: something it names is no plain value.
 */
export function fillDvc(text: string, values: DvcScope, matrix?: MatrixNames): string | undefined {
  let unknown = false
  const filled = text.replaceAll(NAMED, (whole, escape: string, name: string) => {
    if (escape !== '') return whole.slice(1)
    const expression = matrix?.expression(name)
    if (expression !== undefined) return `\${{ ${expression} }}`
    const value = lookUp(values, name)
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
    unknown = true
    return whole
  })
  return unknown ? undefined : filled
}

const NAMED = /(\\?)\$\{\s*([\w.[\]-]+)\s*\}/g

/** What a text names in `${…}`. */
export function namesInDvc(text: string): string[] {
  return [...text.matchAll(NAMED)].flatMap(([, escape, name = '']) => (escape === '' ? [name] : []))
}

/** `train.epochs`, `models[0].name`. */
export function lookUp(values: DvcScope, name: string): unknown {
  let inner: unknown = values
  for (const part of name.replaceAll(/\[(\w+)\]/g, '.$1').split('.')) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, part)) return undefined
    inner = (inner as Record<string, unknown>)[part]
  }
  return inner
}
