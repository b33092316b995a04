import { expect, test } from 'vitest'
import { explainResolution, readPyproject, readRequirementFile } from './requirement-files.ts'

test('a requirements file is read with lines, includes and what is local', () => {
  const file = readRequirementFile(
    'requirements.txt',
    '# top\n-r base.txt\nNumPy>=2 # why\n-c limits.txt\n\nscikit_learn[extra]==1.7 \\\n  --hash=sha256:00\n-e .\n./wheel\npandas @ https://x.test/p.whl\n',
  )

  expect(file.requirements.map(({ name, line }) => [name, line])).toEqual([
    ['numpy', 3],
    ['scikit-learn', 6],
    ['pandas', 10],
  ])
  expect(file.includes).toEqual([
    { path: 'base.txt', line: 2 },
    { path: 'limits.txt', line: 4 },
  ])
  expect(file.local.map(({ line }) => line)).toEqual([8, 9])
})

test('a conflict is told with the lines that name its packages, and no others', () => {
  const { requirements } = readRequirementFile('requirements.txt', 'pandas==2.3.3\nnumpy==1.20\nnumpydoc\n')

  const told = explainResolution('  × No solution\n  ╰─▶ Because pandas==2.3.3 depends on numpy>=1.23.2', requirements)

  expect(told).toBe(
    'No solution\nBecause pandas==2.3.3 depends on numpy>=1.23.2\nChange one of:\n  requirements.txt:1: pandas==2.3.3\n  requirements.txt:2: numpy==1.20',
  )
})

test('dependencies of a pyproject.toml have lines too', () => {
  const found = readPyproject(
    'pyproject.toml',
    '[project]\nname = "x"\ndependencies = [\n  "numpy>=2",\n  "a_b",\n]\nother = ["no"]\n',
  )

  expect(found.map(({ name, line }) => [name, line])).toEqual([
    ['numpy', 4],
    ['a-b', 5],
  ])
})
