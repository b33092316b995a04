import { expect, test } from 'vitest'
import * as fc from 'fast-check'
import { globPattern, matchesGlob } from './glob.ts'

test.each([
  ['*.py', 'a.py', true],
  ['*.py', 'src/a.py', false],
  ['**/*.py', 'a.py', true],
  ['**/*.py', 'src/deep/a.py', true],
  ['src/**', 'src/deep/a.py', true],
  ['src/', 'src/deep/a.py', true],
  ['src/**/a.py', 'src/a.py', true],
  ['src/?.py', 'src/a.py', true],
  ['src/?.py', 'src/ab.py', false],
  ['a.py', 'axpy', false],
  ['release/*', 'release/1/2', false],
  ['(x)[y]{z}', '(x)[y]{z}', true],
  ['a/**', 'a', false],
  ['**', 'a/b', true],
  ['***/x', 'a/b/x', true],
  ['**/b', 'ab', false],
  ['a**b', 'a/x/b', true],
  ['', '', true],
])('%s fits %s: %s', (glob, path, fits) => {
  expect(matchesGlob(glob, path)).toBe(fits)
})

/** The meaning, as an expression: right, and endless for some globs. */
function expressionOf(glob: string): RegExp {
  const source = glob.replace(/\/$/, '/**').replaceAll(/\*\*+\/|\*\*+|\*|\?/g, (part) => {
    if (part.startsWith('**')) return part.endsWith('/') ? '(?:.*/)?' : '.*'
    return part === '*' ? '[^/]*' : '[^/]'
  })
  return new RegExp(`^${source}$`)
}

test('a glob means what its expression means', () => {
  const text = (letters: string) => fc.string({ unit: fc.constantFrom(...letters.split('')), maxLength: 8 })

  fc.assert(
    fc.property(text('ab/**?'), text('ab/'), (glob, path) => {
      expect(matchesGlob(glob, path)).toBe(expressionOf(glob).test(path))
    }),
    { numRuns: 2_000 },
  )
})

test('no glob takes for ever', () => {
  const path = 'a/'.repeat(2_000)

  for (const glob of ['*a'.repeat(400), '**a'.repeat(300), '**/a/'.repeat(200), '?*'.repeat(400)]) {
    expect(globPattern(`${glob}z`).test(path)).toBe(false)
  }
})
