import { expect, test } from 'vitest'
import { brief, size } from './print.ts'

test.each([
  [0, '0 B'],
  [2 ** 20 - 1, '1024.0 KiB'],
  [2 ** 20, '1.0 MiB'],
  [1_084_752_760, '1.0 GiB'],
  [3 * 2 ** 40, '3.0 TiB'],
])('%d bytes are %s', (bytes, words) => {
  expect(size(bytes)).toBe(words)
})

test('a long reason is one line in a table', () => {
  const reason = `gates failed: gate accuracy failed: 0.91.\n${'gate mae is inconclusive: too few rows. '.repeat(5)}`

  expect(brief(reason)).toBe(
    'gates failed: gate accuracy failed: 0.91. gate mae is inconclusive: too few rows. gate mae is incon…',
  )
  expect(brief('train failed: exit 1')).toBe('train failed: exit 1')
})
