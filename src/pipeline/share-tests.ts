import { globPattern } from './glob.ts'
import type { MatrixMember, StepSpec } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { splitTests } from './split-tests.ts'

export type TestFiles = Pick<PlanContext, 'files' | 'secondsOf'>

type Shares = { of(member: MatrixMember | undefined): readonly string[] | undefined } | { readonly problem: string }

/** Which files of tests each member of a step runs: those with the same value of the axis run the same. */
export function shareTests(
  { split, matrix }: StepSpec,
  members: readonly (MatrixMember | undefined)[],
  { files, secondsOf }: TestFiles,
): Shares {
  if (split === undefined) return { of: () => undefined }
  const axes = Object.keys(matrix?.axes ?? {})
  const axis = split.over ?? (axes.length === 1 ? axes[0] : undefined)
  if (axes.length === 0) return { problem: 'it needs a matrix to spread tests over: `matrix: { part: [1, 2, 3] }`' }
  if (axis === undefined) return { problem: `say which axis of the matrix shares the tests: \`over: ${axes.at(-1)}\`` }
  if (!axes.includes(axis)) return { problem: `the matrix has no axis "${axis}"; it has ${axes.join(', ')}` }
  if (members.some((member) => member?.[axis] === undefined))
    return { problem: `every member of the matrix needs a value of "${axis}"` }
  const patterns = split.tests.map(globPattern)
  const tests = files.filter((path) => patterns.some((pattern) => pattern.test(path)))
  if (tests.length === 0) return { problem: `no file of the commit fits ${split.tests.join(', ')}` }
  const values = [...new Set(members.map((member) => member?.[axis]))]
  const shares = splitTests(tests, values.length, secondsOf ?? (() => undefined))
  return { of: (member) => shares[values.indexOf(member?.[axis])] ?? [] }
}
