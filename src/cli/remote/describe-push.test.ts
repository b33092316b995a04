import { expect, test } from 'vitest'
import { describePush, type PushedVersion } from './describe-push.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const pushed: PushedVersion = {
  path: 'd.csv',
  digest: DIGEST,
  kind: 'file',
  bytes: 4,
  rows: 1,
  state: 'approved',
  isUsed: true,
  run: null,
  pushedBy: 'dana',
  askedAt: 0,
  decidedBy: 'olga',
  decidedAt: 0,
  reason: null,
  owners: ['olga'],
  isDeclared: true,
}

test('who pushes what was approved before is told whether runs use it', () => {
  expect(describePush('digits', pushed)).toBe('d.csv aaaaaaaaaaaa (1 rows, 4 bytes) is what runs use from now on.')
  expect(describePush('digits', { ...pushed, isUsed: false })).toBe(
    `d.csv aaaaaaaaaaaa (1 rows, 4 bytes) was approved before, but runs use what was approved last. With the yes of olga they use it again: tidegate data approve digits d.csv --digest ${DIGEST}`,
  )
})

test('what the default branch takes from elsewhere is kept, and not said to be used', () => {
  const kept = describePush('digits', { ...pushed, state: 'pushed', isUsed: false, isDeclared: false })

  expect(kept).toBe(
    'd.csv aaaaaaaaaaaa (1 rows, 4 bytes) is kept.\nThe default branch has no `d.csv: { from: store }` under `data:` yet.',
  )
})
