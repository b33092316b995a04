import { expect, test } from 'vitest'
import { imageOf } from './image-of.ts'

const SHOW = { image: { input: 'x', shape: [2, 2] } }

test('a flat tensor and one of rows are the same image', () => {
  const flat = imageOf([{ name: 'x', data: [0, 4, 8, 16] }], SHOW)
  const rows = imageOf(
    [
      {
        name: 'x',
        data: [
          [
            [0, 4],
            [8, 16],
          ],
        ],
      },
    ],
    SHOW,
  )

  expect(flat).toEqual({ width: 2, height: 2, shades: [0, 0.25, 0.5, 1] })
  expect(rows).toEqual(flat)
})

test('a blank image is blank, and does not divide by nothing', () => {
  expect(imageOf([{ name: 'x', data: [0, 0, 0, 0] }], SHOW)?.shades).toEqual([0, 0, 0, 0])
})

test.each([
  ['names no image', [{ name: 'x', data: [1] }], { table: true }],
  ['names another input', [{ name: 'y', data: [0, 0, 0, 0] }], SHOW],
  ['has another size', [{ name: 'x', data: [1, 2, 3] }], SHOW],
  ['is no tensor at all', 'x', SHOW],
])('a case that %s is shown as figures', (_, inputs, show) => {
  expect(imageOf(inputs, show)).toBeUndefined()
})
