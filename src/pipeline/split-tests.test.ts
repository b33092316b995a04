import { array, assert, constantFrom, dictionary, double, integer, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { splitTests } from './split-tests.ts'

test('parts take about as long: the longest files first, then the rest where there is least', () => {
  const seconds: Record<string, number> = { slow: 10, long: 6, middle: 5, short: 2, quick: 1 }

  expect(splitTests(Object.keys(seconds), 2, (path) => seconds[path])).toEqual([
    ['short', 'slow'],
    ['long', 'middle', 'quick'],
  ])
})

test('without any history files are spread by their number', () => {
  expect(splitTests(['c', 'a', 'b', 'd'], 2, () => undefined)).toEqual([
    ['a', 'c'],
    ['b', 'd'],
  ])
})

test('new files are spread, and do not all go to the part of a file that takes no time', () => {
  const parts = splitTests(['known', 'new1', 'new2', 'new3'], 2, (path) => (path === 'known' ? 0 : undefined))

  expect(parts.map((part) => part.length)).toEqual([2, 2])
})

test('every file is in exactly one part, whatever is known of it, and the order it came in changes nothing', () => {
  const paths = array(constantFrom(...'abcdefghijkl'.split('')), { maxLength: 30 })
  const known = dictionary(string({ maxLength: 1 }), double({ min: 0, max: 1e6, noNaN: true }))

  assert(
    property(paths, integer({ min: 1, max: 9 }), known, (files, parts, seconds) => {
      const shares = splitTests(files, parts, (path) => seconds[path])

      expect(shares).toHaveLength(parts)
      expect(shares.flat().toSorted()).toEqual([...new Set(files)].toSorted())
      expect(splitTests(files.toReversed(), parts, (path) => seconds[path])).toEqual(shares)
    }),
  )
})
