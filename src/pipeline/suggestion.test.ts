import { expect, test } from 'vitest'
import { didYouMean, editDistance } from './suggestion.ts'

test('a swap of neighbours is one mistake', () => {
  expect(editDistance('trian', 'train')).toBe(1)
  expect(editDistance('', 'abc')).toBe(3)
  expect(editDistance('kitten', 'sitting')).toBe(3)
})

test('only words that are nearly right are suggested', () => {
  expect(didYouMean('trian', ['unit', 'train'])).toBe(': did you mean "train"?')
  expect(didYouMean('Train', ['train'])).toBe(': did you mean "train"?')
  expect(didYouMean('deploy', ['unit', 'train'])).toBe('')
})
