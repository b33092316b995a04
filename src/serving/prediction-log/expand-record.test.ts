import { expect, test } from 'vitest'
import type { Signature } from '../../core/bundle.ts'
import type { PredictionRecord } from '../../core/route-table.ts'
import { expandRecord, inputColumns } from './expand-record.ts'

const SIGNATURE: Signature = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 2] },
    { name: 'city', datatype: 'BYTES', shape: [-1, 1] },
    { name: 'image', datatype: 'UINT8', shape: [-1, 8, 8] },
  ],
  outputs: [],
  columns: { x: ['a', 'b'] },
  answer: { prediction: 'y', scores: 's' },
}
const RECORD: PredictionRecord = {
  id: 'p',
  at: 5,
  project: 'shop',
  environment: 'production',
  model: 'm',
  version: '1',
  arm: 'challenger',
  weight: 0.1,
  status: 200,
  latencyMs: 2,
  rows: 2,
  inputs: { x: [1, 2, 3, null], city: ['Ulm', 'Bonn'], image: Array.from({ length: 128 }, () => 0) },
  outputs: { y: [4, 5], s: [0.1, 0.9, 0.7, 0.3] },
}

test('rows are cut from flat tensors, and what has no place in a table is left out', () => {
  const rows = expandRecord(RECORD, SIGNATURE)

  expect(rows).toMatchObject([
    { _id: 'p', _row: 0, a: 1, b: 2, city: 'Ulm', _prediction: '4', _score: 0.9, _arm: 'challenger' },
    { _id: 'p', _row: 1, a: 3, b: null, city: 'Bonn', _prediction: '5', _score: 0.7 },
  ])
  expect(rows[0]).not.toHaveProperty('image')
})

test('a prediction of several values is kept as JSON, a score that is no number as none', () => {
  const [row] = expandRecord({ ...RECORD, rows: 1, outputs: { y: [1, 2], s: ['NaN'] } }, SIGNATURE)

  expect(row).toMatchObject({ _prediction: '[1,2]', _score: null })
})

test('columns have types that hold their tensor, under the names of the signature', () => {
  expect([...inputColumns(SIGNATURE)]).toEqual([
    ['a', 'DOUBLE'],
    ['b', 'DOUBLE'],
    ['city', 'VARCHAR'],
  ])
})
