import { parse, stringify } from 'yaml'
import { AppError } from '../core/errors.ts'

/** One file of a step's `params`, and the dotted keys it may see; undefined: the whole file. */
export interface ParamsFile {
  readonly path: string
  readonly keys: readonly string[] | undefined
}

/** Groups `file` and `file:dotted.key` by file, in order. */
export function paramsFiles(params: readonly string[]): ParamsFile[] {
  const files = new Map<string, string[] | undefined>()
  for (const param of params) {
    const colon = param.indexOf(':')
    const path = colon === -1 ? param : param.slice(0, colon)
    const known = files.get(path)
    if (colon === -1 || (files.has(path) && known === undefined)) files.set(path, undefined)
    else files.set(path, [...(known ?? []), param.slice(colon + 1)])
  }
  return [...files].map(([path, keys]) => ({ path, keys }))
}

export interface ParamsSubset {
  /** The file as the step sees it; the same format as the file has. */
  readonly text: string
  /** Selected values by `file` or `file:dotted.key`, for the cache key. */
  readonly values: Readonly<Record<string, unknown>>
}

/** Only what `file.keys` name, at the same place in the document. */
export function takeSubset(file: ParamsFile, text: string): ParamsSubset {
  const document = parseParams(file.path, text)
  if (file.keys === undefined) return { text, values: { [file.path]: document } }
  const subset: Record<string, unknown> = {}
  const values: Record<string, unknown> = {}
  for (const key of file.keys) {
    const value = valueAt(document, key, file.path)
    values[`${file.path}:${key}`] = value
    place(subset, key.split('.'), value)
  }
  return { text: file.path.endsWith('.json') ? `${JSON.stringify(subset, null, 2)}\n` : stringify(subset), values }
}

function parseParams(path: string, text: string): unknown {
  if (!/\.(json|ya?ml)$/.test(path)) {
    throw new AppError('INVALID_INPUT', `params: ${path} is neither YAML nor JSON; use one of them.`)
  }
  try {
    return path.endsWith('.json') ? JSON.parse(text) : parse(text)
  } catch (error) {
    throw new AppError('INVALID_INPUT', `params: ${path} cannot be read: ${(error as Error).message}`)
  }
}

function valueAt(document: unknown, key: string, path: string): unknown {
  let value = document
  for (const part of key.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) {
      throw new AppError('INVALID_INPUT', `params: ${path} has no ${key}. Add it, or correct \`params\` of the step.`)
    }
    value = (value as Record<string, unknown>)[part]
  }
  return value
}

function place(target: Record<string, unknown>, parts: readonly string[], value: unknown): void {
  let place = target
  for (const part of parts.slice(0, -1)) {
    const next = place[part]
    const branch: Record<string, unknown> = typeof next === 'object' && next !== null ? { ...next } : {}
    place[part] = branch
    place = branch
  }
  place[parts.at(-1) ?? ''] = value
}
