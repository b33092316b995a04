import { expect, test } from 'vitest'
import { fitsPython, isPythonWish } from './python-version.ts'

test.each([
  ['3.11.7', undefined, true],
  ['3.11.7', '3.11', true],
  ['3.11.7', '3.1', false],
  ['3.11.7', '3.11.7', true],
  ['3.11.7', '>=3.10,<3.12', true],
  ['3.12.0', '>=3.10,<3.12', false],
  ['3.9.18', '>=3.10', false],
  ['3.11.7', '~=3.10', true],
  ['3.11.7', '~=3.11.2', true],
  ['3.12.1', '~=3.11.2', false],
  ['3.11.7', '==3.11.*', true],
  ['3.11.7', '!=3.11.*', false],
  ['3.12.3', '^3.9', true],
  ['3.11.7', '<=3.11', true],
])('Python %s fits %j: %j', (version, wanted, fits) => {
  expect(fitsPython(version, wanted)).toBe(fits)
})

test.each([
  ['3.11', true],
  ['>=3.10, <4', true],
  ['latest', false],
  ['>=3.10; rm -rf /', false],
])('%j is a wish: %j', (wanted, isWish) => {
  expect(isPythonWish(wanted)).toBe(isWish)
})
