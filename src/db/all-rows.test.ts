import { expect, test } from 'vitest'
import { allRows } from './all-rows.ts'

const ROWS = [1, 2, 3, 4, 5].map((id) => ({ id, text: `row ${id}` }))

test.each([1, 2, 5, 9])('every row comes once, in pages of %i', async (size) => {
  const asked: number[] = []
  const rows = allRows({ id: 0 }, ({ id }) => {
    asked.push(id)
    return Promise.resolve(ROWS.filter((row) => row.id > id).slice(0, size))
  })

  const read: unknown[] = []
  for await (const row of rows) read.push(row)

  expect(read).toEqual(ROWS)
  expect(asked).toHaveLength(Math.ceil(ROWS.length / size) + 1)
})
