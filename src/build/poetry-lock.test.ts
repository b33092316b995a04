import { expect, test } from 'vitest'
import { checkPoetryLock, constraintsOf, type PoetryPin } from './poetry-lock.ts'

function pin(name: string, version?: string, marker?: string): PoetryPin {
  const text = version === undefined ? name : `${name}==${version}`
  const held = version === undefined ? {} : { version }
  return { name, text, file: 'poetry.lock', line: 1, ...held, ...(marker === undefined ? {} : { marker }) }
}

test('of a package in several versions markers decide, and without them the resolver', () => {
  const constraints = constraintsOf([
    pin('one', '1', "extra == 'a'"),
    pin('two', '1', "python_version < '3.9'"),
    pin('two', '2', "python_version >= '3.9'"),
    pin('three', '1'),
    pin('three', '2', "python_version >= '3.9'"),
    pin('four', '1', "extra == 'a'"),
    pin('four', '2', "extra != 'a'"),
    pin('folder'),
  ])

  expect(constraints).toBe("one==1\ntwo==1 ; python_version < '3.9'\ntwo==2 ; python_version >= '3.9'\n")
})

test('what was resolved must be one of the versions that are held', () => {
  const pins = [pin('three', '1'), pin('three', '2'), pin('folder')]
  const check = (resolved: string) => () => checkPoetryLock(resolved, pins, 'pyproject.toml')

  expect(check('folder==7 \\\n    --hash=sha256:00\nthree==2 \\\n    --hash=sha256:00\n')).not.toThrow()
  expect(check('three==3 ; python_version > "3"\n')).toThrow(
    'pyproject.toml leads to three 3, and poetry.lock holds 1 and 2. Run `poetry lock` with Poetry 2',
  )
  expect(check('Other_One==3\n')).toThrow('requires Other_One, and poetry.lock does not hold it')
})
