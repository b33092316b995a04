import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readHits, writeHits } from './line-ranges.ts'

test('lines that ran and lines that did not are kept as ranges', () => {
  const hits = new Map([
    [7, 12],
    [1, 1],
    [2, 3],
    [3, 1],
    [4, 0],
    [5, 0],
  ])

  expect(writeHits(hits)).toBe('1-3,7;4-5')
  expect(writeHits(new Map())).toBe(';')
  expect([...readHits(';9')]).toEqual([[9, 0]])
})

test('whatever ran is read as it was written', () => {
  const lines = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 1 })), {
    selector: ([line]) => line,
  })
  fc.assert(
    fc.property(lines, (hits) => {
      const byLine = (a: readonly [number, number], b: readonly [number, number]) => a[0] - b[0]
      expect([...readHits(writeHits(new Map(hits)))].toSorted(byLine)).toEqual(hits.toSorted(byLine))
    }),
  )
})
