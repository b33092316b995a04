import { AppError } from '../core/errors.ts'

/** `digits#12` or `digits/12`. */
export function parseRun(text: string): { project: string; number: number } {
  const match = /^([a-z0-9][a-z0-9-]*)[#/](\d+)$/.exec(text)
  if (match === null)
    throw new AppError('INVALID_INPUT', `"${text}" is not a run. Write it as digits#12 (quoted, or digits/12).`)
  return { project: match[1] ?? '', number: Number(match[2]) }
}

/** `digits@3`. */
export function parseVersion(text: string): { project: string; version: number } {
  const match = /^([a-z0-9][a-z0-9-]*)@(\d+)$/.exec(text)
  if (match === null) throw new AppError('INVALID_INPUT', `"${text}" is not a model version. Write it as digits@3.`)
  return { project: match[1] ?? '', version: Number(match[2]) }
}
