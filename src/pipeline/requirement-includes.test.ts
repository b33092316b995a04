import { expect, test } from 'vitest'
import { withIncludes } from './requirement-includes.ts'

test('included requirement files are found, relative to the file that names them, each once', () => {
  const texts: Record<string, string> = {
    'requirements/dev.txt':
      '-r base.txt\npytest # -r no.txt\n--constraint=../constraints.txt\n-r https://example.test/x.txt\n',
    'requirements/base.txt': '-r dev.txt\nnumpy\n-r ../../outside.txt\n',
  }

  const files = withIncludes(['requirements/dev.txt'], (path) => texts[path])

  expect(files).toEqual(['requirements/dev.txt', 'requirements/base.txt', 'constraints.txt'])
})
