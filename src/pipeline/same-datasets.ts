import type { Problem } from '../core/problem.ts'
import { FilePath } from './keys/scalars.ts'
import { trimSlash } from './connect-steps.ts'
import type { YamlSource } from './yaml-source.ts'

/** Keys of `data` that are one path: read as such, all but the last would be lost without a word. */
export function sameDatasets({ value, problemAt }: YamlSource): Problem[] {
  const data: unknown = typeof value === 'object' && value !== null && 'data' in value ? value.data : undefined
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return []
  const seen = new Map<string, string>()
  return Object.keys(data).flatMap((key) => {
    const path = trimSlash(FilePath.safeParse(key).data ?? key)
    const other = seen.get(path)
    if (other === undefined) {
      seen.set(path, key)
      return []
    }
    return [problemAt(['data', key], `"${key}" is the same path as "${other}": write the dataset once`, { at: 'key' })]
  })
}
