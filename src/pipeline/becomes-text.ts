import type { Path } from './path.ts'

/** Variables, members of matrices and versions: of `3.10` nobody wants `3.1`. Bounds of gates stay numbers. */
export function becomesText(path: Path): boolean {
  const [first, , third, fourth] = path
  if (first === 'env') return path.length === 2
  if (first === 'build') return path.length === 2 && path[1] === 'python'
  if (first !== 'steps' && first !== 'data') return false
  if (third === 'env') return path.length === 4
  if (third !== 'matrix') return false
  return path.length === (fourth === 'include' || fourth === 'exclude' ? 6 : 5)
}
