import { expect, test } from 'vitest'
import { formatProblem } from '../core/problem.ts'
import { lintPipeline } from './lint.ts'

const STEPS = 'steps: { a: { stage: unit-tests, run: pytest } }\n'
const PYPROJECT = '[project]\nname = "x"\ndependencies = ["numpy"]\n'

function lint(build: string, files: readonly string[]): string[] {
  const readText = (path: string) => (path.endsWith('pyproject.toml') ? PYPROJECT : undefined)
  return lintPipeline(build + STEPS, { files, readText }).map(formatProblem)
}

test.each([
  [
    'build: { dependencies: [pyproject.toml, more.txt], environments: { dev: "pyproject.toml[dev]" } }\n',
    ['pyproject.toml', 'more.txt', 'poetry.lock'],
    'build.dependencies: poetry.lock is not read',
    'poetry export --output requirements.txt',
  ],
  ['', ['pyproject.toml', 'pdm.lock'], 'pdm.lock is not read', 'pdm export --output requirements.txt'],
  [
    'build: { dependencies: core/pyproject.toml }\n',
    ['core/pyproject.toml', 'core/pdm.lock'],
    'core/pdm.lock',
    'pdm export',
  ],
  [
    'build: { environments: { dev: "pyproject.toml[dev]" } }\n',
    ['requirements.txt', 'pyproject.toml', 'Pipfile.lock'],
    'build.environments.dev: Pipfile.lock is not read',
    'pipenv requirements --hash > requirements.txt',
  ],
])('with %j and %j the lock of another tool is told, with what to do', (build, files, lock, command) => {
  const problems = lint(build, files)

  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain('warning')
  expect(problems[0]).toContain(lock)
  expect(problems[0]).toContain(command)
})

test.each([
  ['', ['pyproject.toml', 'uv.lock', 'poetry.lock']],
  ['', ['requirements.txt', 'pyproject.toml', 'poetry.lock']],
  ['build: { interpreter: /opt/python }\n', ['pyproject.toml', 'poetry.lock']],
  ['', ['pyproject.toml', 'poetry.lock']],
  ['build: { environments: { dev: "pyproject.toml[dev]" } }\n', ['pyproject.toml', 'poetry.lock']],
])('with %j and %j nothing is told: it is read, or another list counts', (build, files) => {
  expect(lint(build, files)).toEqual([])
})
