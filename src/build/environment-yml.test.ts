import { expect, test } from 'vitest'
import { isAppError } from '../core/errors.ts'
import { readEnvironmentYml } from './environment-yml.ts'

const file = (...dependencies: string[]) =>
  `name: churn\nchannels: [conda-forge]\ndependencies:\n${dependencies.join('\n')}\n`

test('Python and packages of pip are taken', () => {
  const text = file('  - python=3.11', '  - pip', '  - pip:', '    - pandas>=2', '    - "scikit-learn==1.5.*"')

  expect(readEnvironmentYml('environment.yml', text)).toEqual({
    python: '3.11',
    requirements: ['pandas>=2', 'scikit-learn==1.5.*'],
  })
})

test.each([
  ['python=3.11', '3.11'],
  ['python==3.11.7', '3.11.7'],
  ['python=3.11.*', '3.11'],
  ['python=3.11.4=h2755cc3_0', '3.11.4'],
  ['"python >=3.10,<3.12"', '>=3.10,<3.12'],
  ['conda-forge::python=3.12', '3.12'],
  ['python', undefined],
])('%s asks for Python %s', (entry, python) => {
  expect(readEnvironmentYml('environment.yml', file(`  - ${entry}`)).python).toBe(python)
})

test('packages of conda are refused, all of them at once, with what to do', () => {
  const text = file(
    '  - python=3.11',
    '  - cudatoolkit=11.8',
    '  - pytorch::pytorch',
    '  - pip: [pandas]',
    '  - { npm: [x] }',
  )
  let error: unknown
  try {
    readEnvironmentYml('environment.yml', text)
  } catch (caught) {
    error = caught
  }

  expect(isAppError(error, 'INVALID_INPUT')).toBe(true)
  expect((error as Error).message).toMatch(
    /cudatoolkit=11\.8\n {2}pytorch::pytorch\n {2}\{"npm":\["x"\]\}\n.*interpreter/,
  )
})
