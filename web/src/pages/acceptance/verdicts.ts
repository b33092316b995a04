import type { AcceptanceCase, judgeCase } from '../../../../src/api/acceptance.ts'
import type { z } from 'zod'

type Verdict = z.input<typeof judgeCase.body>['verdict']

interface Choice {
  readonly verdict: Verdict
  readonly word: string
}

const ALONE: readonly Choice[] = [
  { verdict: 'right', word: 'Right' },
  { verdict: 'wrong', word: 'Wrong' },
  { verdict: 'blocked', word: 'Cannot tell' },
]

const SIDE_BY_SIDE: readonly Choice[] = [
  { verdict: 'better-a', word: 'A is better' },
  { verdict: 'same', word: 'Same' },
  { verdict: 'better-b', word: 'B is better' },
  { verdict: 'blocked', word: 'Cannot tell' },
]

/** What a tester may say about a case: with a second side it is a comparison. */
export function verdictsFor({ sides }: AcceptanceCase): readonly Choice[] {
  return sides.b === undefined ? ALONE : SIDE_BY_SIDE
}
