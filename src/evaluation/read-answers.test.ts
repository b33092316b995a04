import { expect, test } from 'vitest'
import type { AnswerSpec } from '../core/bundle.ts'
import type { Tensor } from '../core/ports/runtime.ts'
import { addAnswers, noAnswers, requireNumbers, requireOneNaming } from './read-answers.ts'

function labels(...values: number[]): Tensor {
  const data = BigInt64Array.from(values, BigInt)
  return { name: 'label', datatype: 'INT64', shape: [values.length], data }
}

function floats(name: string, shape: readonly number[], ...values: number[]): Tensor {
  return { name, datatype: 'FP64', shape, data: Float64Array.from(values) }
}

function answersTo(outputs: readonly Tensor[], spec: Partial<AnswerSpec>, rows: number) {
  const answers = noAnswers()
  addAnswers(answers, outputs, { prediction: 'label', ...spec }, rows, rows)
  return answers
}

test('numbers are names of classes, or all of them places', () => {
  const names = (classes: string[], ...values: number[]) => {
    const answers = answersTo([labels(...values)], { classes }, values.length)
    requireOneNaming(answers)
    return answers.predicted
  }

  expect(names(['1', '2', '3'], 1, 3)).toEqual(['1', '3'])
  expect(names(['no', 'yes'], 0, 1)).toEqual(['no', 'yes'])
  expect(names(['a', 'b'], 7)).toEqual(['7'])
  expect(() => names(['1', '2', '3'], 0, 2)).toThrow(
    'the answer 2 is the name of a class in model.outputs.classes, and 0 is none, only a place among them: name the classes as the model does',
  )
})

test('an empty answer is no class, least of all the first', () => {
  const texts = { name: 'label', datatype: 'BYTES', shape: [2], data: ['', 'yes'] } as const

  expect(answersTo([texts], { classes: ['no', 'yes'] }, 2).predicted).toEqual(['', 'yes'])
})

test('a regression answers one number for each row, not the place of the largest of several', () => {
  const two = answersTo([floats('label', [2, 2], 5, 7, 9, 1)], {}, 2)

  expect(() => requireNumbers(two)).toThrow('the answer to row 1 has 2 values: a regression has one')
  expect(() => requireNumbers(answersTo([floats('label', [2, 1], 5, 7)], {}, 2))).not.toThrow()
})

test('scores that do not belong to rows are refused', () => {
  const given = [labels(0, 1), floats('scores', [3], 0.1, 0.2, 0.3)]

  expect(() => answersTo(given, { scores: 'scores' }, 2)).toThrow(
    'rows 1 to 2: output "scores" has 3 values for 2 rows',
  )
})
