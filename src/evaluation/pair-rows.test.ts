import { array, assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { pairRows } from './pair-rows.ts'

function rows(...named: (readonly [id: string, label: string])[]) {
  return { ids: named.map(([id]) => id), labelOf: (row: number) => named[row]![1] }
}

const ANSWERED = rows(['a', 'cat'], ['b', 'dog'], ['c', 'cat'])

test('the same rows are found in whatever order they come', () => {
  expect(pairRows(rows(['c', 'cat'], ['a', 'cat'], ['b', 'dog']), ANSWERED)).toEqual(Uint32Array.of(2, 0, 1))

  assert(
    property(array(integer(), { maxLength: 20 }), (keys) => {
      const named = keys.map((key, i) => [`r${i}`, String(key)] as const)
      const shuffled = named.toSorted((one, other) => Number(one[1]) - Number(other[1]))
      const places = pairRows(rows(...named), rows(...shuffled)) as Uint32Array

      expect(Array.from(places, (place) => shuffled[place])).toEqual(named)
    }),
  )
})

test.each([
  [
    'a row that was not answered',
    [
      ['a', 'cat'],
      ['b', 'dog'],
      ['d', 'cat'],
    ],
    'its run did not answer row "d"',
  ],
  ['rows that are left out', [['a', 'cat']], 'row "b", which its run answered, is missing (and 1 more like it)'],
  [
    'another label',
    [
      ['a', 'cat'],
      ['b', 'cat'],
      ['c', 'cat'],
    ],
    'row "b" had another label when its run answered it',
  ],
  [
    'an id that stands twice',
    [
      ['a', 'cat'],
      ['b', 'dog'],
      ['b', 'dog'],
    ],
    'two rows have the id "b"',
  ],
  [
    'an id that is missing',
    [
      ['a', 'cat'],
      ['', 'dog'],
      ['c', 'cat'],
    ],
    'row 2 has no id',
  ],
] as const)('%s is no pair, and is told', (_, named, why) => {
  expect(pairRows(rows(...named), ANSWERED)).toBe(why)
})

test('an id that stands twice on the other side is no pair either', () => {
  expect(pairRows(ANSWERED, rows(['a', 'cat'], ['a', 'cat'], ['c', 'cat']))).toBe('two rows have the id "a"')
})
