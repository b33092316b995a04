import { expect, test } from 'vitest'
import { didYouMean, editDistance, knownNames } from './suggestion.ts'

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

test('only the first fifty wrong words are looked for', () => {
  const names = knownNames(['train'])

  const hints = Array.from({ length: 60 }, () => names.hint('trian'))

  expect(hints.filter((hint) => hint !== '')).toHaveLength(50)
  expect(hints.at(-1)).toBe('')
})
