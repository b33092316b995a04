import { posix } from 'node:path'
import { limit } from '../core/limits.ts'

/**
 * The files that `reports` names, of those an attempt left: Surefire and unittest-xml-reporting write one for each class,
 * which a pattern stands for. A name that nothing fits stays, so that it is told; `left` are more than are read.
 */
export function namedReports(
  named: readonly string[],
  kept: Readonly<Record<string, unknown>>,
): { readonly paths: readonly string[]; readonly left: number } {
  const all = Object.keys(kept).toSorted()
  const paths = new Set<string>()
  for (const name of named) {
    const fitting =
      isPattern(name) && kept[name] === undefined ? all.filter((path) => posix.matchesGlob(path, name)) : []
    for (const path of fitting.length === 0 ? [name] : fitting) paths.add(path)
  }
  const most = limit('reportFiles')
  return { paths: [...paths].slice(0, most), left: Math.max(0, paths.size - most) }
}

/** As outputs of a step are found: these signs make a path a pattern. */
export function isPattern(path: string): boolean {
  return /[*?[{]/.test(path)
}
