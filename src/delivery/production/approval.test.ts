import { expect, test } from 'vitest'
import type { ApprovalSpec, EnvironmentSpec } from '../../pipeline/pipeline.ts'
import { approvalNeeded, requiredApprovals } from './approval.ts'

const ASKED: ApprovalSpec = { reviewers: ['lead', 'group:risk'], required: 2, expiresMs: 1, allowSelfApproval: false }

const rules = (approval: EnvironmentSpec['approval']) => ({ approval }) as EnvironmentSpec

test.each([
  ['reviewers are named', ASKED, false, true, '2 of lead, group:risk must approve'],
  ['it is the first in the last environment', 'none', true, false, 'always needs a person'],
] as const)('people are asked when %s', (_, approval, isLast, hasChampion, why) => {
  expect(approvalNeeded(rules(approval), isLast, hasChampion)).toContain(why)
})

test.each([
  ['the last environment serves already', true, true],
  ['another environment comes after it', false, false],
] as const)('with `approval: none` nobody is asked where %s', (_, isLast, hasChampion) => {
  expect(approvalNeeded(rules('none'), isLast, hasChampion)).toBeUndefined()
})

test('where the rules name nobody and a person is asked all the same, one is enough', () => {
  expect(requiredApprovals(rules('none'))).toBe(1)
  expect(requiredApprovals(rules(ASKED))).toBe(2)
})
