import { canonicalJson } from '../lib/canonical-json.ts'
import type { MatrixMember, MatrixSpec, MatrixValue } from './pipeline.ts'

/**
 * The members of a matrix: every combination of the axes but the excluded ones; then each entry of
 * `include` adds its values to the combinations it does not contradict, or is a member by itself where
 * there are none. Stops one past `most`, so that the caller can refuse.
 */
export function expandMatrix(matrix: Pick<MatrixSpec, 'axes' | 'include' | 'exclude'>, most: number): MatrixMember[] {
  const combinations = combine(Object.entries(matrix.axes), most)
  const kept = combinations.filter((member) => !matrix.exclude.some((entry) => contains(member, entry)))
  const axes = new Set(Object.keys(matrix.axes))
  const members: Record<string, MatrixValue>[] = kept.map((member) => ({ ...member }))
  const alone: MatrixMember[] = []
  for (const entry of matrix.include) {
    const shared = Object.fromEntries(Object.entries(entry).filter(([name]) => axes.has(name)))
    const fitting = kept.flatMap((member, index) => (contains(member, shared) ? [index] : []))
    for (const index of fitting) Object.assign(members[index] ?? {}, entry)
    if (fitting.length === 0) alone.push(entry)
  }
  const unique = new Map([...members, ...alone].map((member) => [canonicalJson(member), member]))
  return [...unique.values()].slice(0, most + 1)
}

function combine(axes: readonly (readonly [string, readonly MatrixValue[]])[], most: number): MatrixMember[] {
  if (axes.length === 0) return []
  let members: MatrixMember[] = [{}]
  for (const [name, values] of axes) {
    members = members.flatMap((member) => values.map((value) => ({ ...member, [name]: value }))).slice(0, most + 1)
  }
  return members
}

function contains(member: MatrixMember, entry: MatrixMember): boolean {
  return Object.entries(entry).every(([name, value]) => member[name] === value)
}

/** `train (0, 3.11)`. */
export function memberKey(name: string, member: MatrixMember): string {
  return `${name} (${Object.values(member).map(String).join(', ')})`
}
