import { expect, test } from 'vitest'
import { size } from './print.ts'

test.each([
  [0, '0 B'],
  [2 ** 20 - 1, '1024.0 KiB'],
  [2 ** 20, '1.0 MiB'],
  [1_084_752_760, '1.0 GiB'],
  [3 * 2 ** 40, '3.0 TiB'],
])('%d bytes are %s', (bytes, words) => {
  expect(size(bytes)).toBe(words)
})
