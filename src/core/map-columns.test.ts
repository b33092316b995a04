import { expect, test } from 'vitest'
import { chooseAnswer, mapColumns } from './map-columns.ts'

const tensor = (name: string, ...shape: number[]) => ({ name, datatype: 'FP32', shape }) as const

test('columns fill inputs as the file says', () => {
  const inputs = [tensor('x', -1, 2), tensor('y', -1)]

  expect(mapColumns({ inputs, given: { x: ['a', 'b'], y: ['c'] }, notFeatures: [] })).toEqual({
    x: ['a', 'b'],
    y: ['c'],
  })
})

test('without a word, an input takes the column of its name, and an only input all features', () => {
  const table = ['id', 'a', 'b', 'label']

  expect(
    mapColumns({ inputs: [tensor('a', -1, 1), tensor('b', -1)], given: {}, table, notFeatures: ['label'] }),
  ).toEqual({ a: ['a'], b: ['b'] })
  expect(mapColumns({ inputs: [tensor('x', -1, 2)], given: {}, table, notFeatures: ['label', 'id'] })).toEqual({
    x: ['a', 'b'],
  })
  expect(mapColumns({ inputs: [tensor('x', -1, 2)], given: {}, notFeatures: [] })).toEqual({})
})

test('an image fills all dimensions after the first', () => {
  const columns = Array.from({ length: 64 }, (_, i) => `p${i}`)

  expect(mapColumns({ inputs: [tensor('x', -1, 8, 8)], given: { x: columns }, notFeatures: [] })['x']).toHaveLength(64)
})

test('sizes, names of inputs and names of columns must agree', () => {
  const inputs = [tensor('x', -1, 3)]

  expect(() => mapColumns({ inputs, given: { x: ['a', 'b'] }, notFeatures: [] })).toThrow(
    'input "x" takes 3 values a row, but model.inputs gives it 2',
  )
  expect(() => mapColumns({ inputs, given: {}, table: ['a', 'b', 'label'], notFeatures: ['label'] })).toThrow(
    'Name them: model',
  )
  expect(() => mapColumns({ inputs, given: { z: ['a'] }, notFeatures: [] })).toThrow(
    'model.inputs names "z", but the model\'s inputs are "x"',
  )
  expect(() => mapColumns({ inputs, given: { x: ['a', 'b', 'q'] }, table: ['a', 'b'], notFeatures: [] })).toThrow(
    'column "q"',
  )
})

test('the answer is what the file says, or what exporters usually call it', () => {
  const outputs = [tensor('label', -1), tensor('probabilities', -1, 3)]

  expect(chooseAnswer(outputs, {})).toEqual({ prediction: 'label', scores: 'probabilities' })
  expect(chooseAnswer([tensor('out', -1, 1)], {})).toEqual({ prediction: 'out' })
  expect(() => chooseAnswer(outputs, { prediction: 'lable' })).toThrow('outputs are "label", "probabilities"')
  expect(() => chooseAnswer(outputs, { classes: ['a', 'b'] })).toThrow(
    'classes has 2 names, but "probabilities" has 3 columns',
  )
})
