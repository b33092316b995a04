import { expect, test } from 'vitest'
import { extraWithPytest } from './extra-with-pytest.ts'

test.each([
  ['a group', '[dependency-groups]\ndev = ["ruff", "pytest>=8"]\n', 'dev'],
  ['an extra', '[project.optional-dependencies]\nplots = ["x"]\ntest = [\n  "a[b]",\n  "pytest",\n]\n', 'test'],
  ['a plug-in alone', '[dependency-groups]\ndev = ["pytest-cov"]\n', undefined],
  ['another table', '[dependency-groups]\n[tool.x]\ndev = ["pytest"]\n', undefined],
  ['none', '[project]\ndependencies = ["pytest"]\n', undefined],
])('pytest in %s', (_, pyproject, extra) => {
  expect(extraWithPytest(pyproject)).toBe(extra)
})
