import { expect, test } from 'vitest'
import { fetchLines } from './fetch-lines.ts'

const MIB = 1 << 20

test('a large download is told of at its beginning, at each tenth and at its end', () => {
  const lineOf = fetchLines()
  const lines = Array.from({ length: 201 }, (_, at) => lineOf('data/raw.csv', at * MIB, 200 * MIB))

  const told = lines.filter((line) => line !== undefined)

  expect(told).toHaveLength(11)
  expect(told.slice(0, 2)).toEqual(['  data/raw.csv: 0 B of 200.0 MiB', '  data/raw.csv: 20.0 MiB of 200.0 MiB'])
  expect(told.at(-1)).toBe('  data/raw.csv: 200.0 MiB received')
})

test('of a small download only its end is told', () => {
  const lineOf = fetchLines()

  expect([0, 5, 12].map((received) => lineOf('rows.csv', received, 12))).toEqual([
    undefined,
    undefined,
    '  rows.csv: 12 B received',
  ])
})
