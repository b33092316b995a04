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

test('of what pip prints its warnings and advice are left out, and what only they name', () => {
  const { requirements } = readRequirementFile('base.txt', 'requests>=2\nurllib3>=2\n')
  const output = `The conflict is caused by:
    The user requested urllib3>=2
    The user requested (constraint) urllib3<2

To fix this you could try to:
1. loosen the range of package versions you've specified
2. remove package versions to allow pip attempt to solve the dependency conflict
WARNING: Location 'file:///wheels/requests/' is ignored: it is neither a file nor a directory.
ERROR: Cannot install urllib3>=2 because these package versions have conflicting dependencies.
ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/`

  expect(explainResolution(output, requirements).split('\n')).toEqual([
    'The conflict is caused by:',
    'The user requested urllib3>=2',
    'The user requested (constraint) urllib3<2',
    'ERROR: Cannot install urllib3>=2 because these package versions have conflicting dependencies.',
    'Change one of:',
    '  base.txt:2: urllib3>=2',
  ])
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
