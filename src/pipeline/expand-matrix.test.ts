import { expect, test } from 'vitest'
import { expandMatrix, memberKey } from './expand-matrix.ts'

test('a matrix is every combination but the excluded ones', () => {
  const members = expandMatrix(
    { axes: { seed: [0, 1], os: ['a', 'b'] }, include: [], exclude: [{ seed: 1, os: 'a' }] },
    10,
  )

  expect(members.map((member) => memberKey('t', member))).toEqual(['t (0, a)', 't (0, b)', 't (1, b)'])
})

test('an included entry adds to what it does not contradict, or stands by itself', () => {
  const include = [{ seed: 0, extra: 'x' }, { seed: 7 }, { note: 'all' }]

  const members = expandMatrix({ axes: { seed: [0, 1] }, include, exclude: [] }, 10)

  expect(members).toEqual([{ seed: 0, extra: 'x', note: 'all' }, { seed: 1, note: 'all' }, { seed: 7 }])
})

test('equal members are one, and expansion stops one past the most', () => {
  expect(expandMatrix({ axes: { a: [1, 1] }, include: [], exclude: [] }, 10)).toEqual([{ a: 1 }])
  const many = Array.from({ length: 100 }, (_, index) => index)
  expect(expandMatrix({ axes: { a: many, b: many, c: many, d: many }, include: [], exclude: [] }, 5)).toHaveLength(6)
})
