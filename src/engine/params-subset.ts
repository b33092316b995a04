import { AppError } from '../core/errors.ts'
import { pruneParams, readParams, valueAt, wordsOf, writeParams } from './params-document.ts'

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
  /** The file as the step sees it, in the format that it has. */
  readonly text: string
  /** What was selected by `file` or `file:dotted.key`, in the words of the file: these say what changed, the text decides. */
  readonly values: Readonly<Record<string, unknown>>
}

/** Only what `file.keys` name, at the same place in the document; the whole file is never written anew. */
export function takeSubset({ path, keys }: ParamsFile, text: string): ParamsSubset {
  const params = readParams(path, text)
  if (keys === undefined) return { text, values: { [path]: wordsOf(params.document.contents, path) } }
  const pruned = pruneParams(params, keys)
  const values: Record<string, unknown> = {}
  for (const key of keys) {
    const found = valueAt(pruned, key)
    if (found === undefined) throw noKey(path, key)
    values[`${path}:${key}`] = wordsOf(found.value, path)
  }
  return { text: writeParams(params, pruned), values }
}

function noKey(path: string, key: string): AppError {
  return new AppError('INVALID_INPUT', `params: ${path} has no ${key}. Add it, or correct \`params\` of the step.`)
}
