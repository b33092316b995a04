import { expect, test } from 'vitest'
import { readCommand } from './command-files.ts'

test.each([
  ['python train.py --epochs 3', { scripts: ['train.py'] }],
  ['OMP_NUM_THREADS=1 python -u -W ignore src/train.py > log.txt 2>&1', { scripts: ['src/train.py'] }],
  ['cd jobs && python3.11 ./prepare.py; sh ../make.sh', { scripts: ['jobs/prepare.py', 'make.sh'] }],
  ['python -m digits.train', { modules: [{ name: 'digits.train', folder: '.', isPerhapsMade: false }] }],
  ['make && cd jobs && python -m a', { modules: [{ name: 'a', folder: 'jobs', isPerhapsMade: true }] }],
  [
    'python -m zipfile -e dist/x.whl to && cd to && python -m x.cli',
    {
      modules: [
        { name: 'zipfile', folder: '.', isPerhapsMade: false },
        { name: 'x.cli', folder: 'to', isPerhapsMade: true },
      ],
    },
  ],
  ['pip install dist/*.whl; python -m a.b', { modules: [{ name: 'a.b', folder: '.', isPerhapsMade: true }] }],
  ['python -m pytest tests/unit -k slow', { tests: ['tests/unit'] }],
  ['pytest tests/a.py::test_x --junitxml reports/unit.xml -q', { tests: ['tests/a.py'] }],
  ['pytest', { tests: ['.'] }],
  ['pytest --cov scale --deselect tests/a.py::test_x --strict-markers tests', { tests: ['tests'] }],
  ['pytest --cov scale', { tests: ['.'] }],
  ['pytest --option-of-a-plug-in tests', {}],
  ['python "$SCRIPT"; python *.py; python -c "import x"; cd "$D"; python gone.py', {}],
  ['echo "python no.py" # python no.py\n./run me', { scripts: ['run'] }],
  ['bash -c "python x.py"', {}],
])('%s', (run, expected) => {
  expect(readCommand(run)).toMatchObject({ scripts: [], modules: [], tests: [], ...expected })
})

test.each([
  ['mkdir -p out && python train.py > log.txt', []],
  ['cp tool.txt tool.py; python tool.py', ['tool.py']],
  ['python before.py; git clone https://example.com/x; sh x/make.sh', ['x/make.sh']],
  ["printf 'print(1)' > gen.py && python gen.py", ['gen.py']],
])('of %s the command itself may have made %j', (run, perhapsMade) => {
  expect(readCommand(run).perhapsMade).toEqual(perhapsMade)
})
