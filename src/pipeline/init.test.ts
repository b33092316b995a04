import { expect, test } from 'vitest'
import { formatProblem } from '../core/problem.ts'
import { initPipeline } from './init.ts'
import { lintPipeline } from './lint.ts'
import { parsePipeline } from './parse-pipeline.ts'

type Repository = Readonly<Record<string, string>>

function init(repository: Repository) {
  const files = Object.keys(repository)
  const { text, notes } = initPipeline(files, (path) => repository[path])
  return {
    text,
    notes,
    pipeline: parsePipeline(text).pipeline,
    problems: lintPipeline(text, { files, readText: (path) => repository[path] }),
  }
}

const TABULAR: Repository = {
  'train.py': 'import onnx\nwith open("out/model.onnx", "wb") as f: pass\n',
  'features.py': '',
  'src/prep/a.py': '',
  'data/rows.csv': '',
  'params.yaml': 'train: {}',
  'requirements.txt': 'numpy\n',
  'requirements-dev.txt': '-r requirements.txt\npytest\n',
  'tests/unit/test_a.py': '',
  'conftest.py': '',
  'MODEL_CARD.md': '',
  'README.md': '',
}

const DVC = `
stages:
  prepare: { cmd: python prepare.py, deps: [prepare.py, data/raw.csv], outs: [data/train.csv] }
  train:
    cmd: python train.py data/train.csv
    deps: [train.py, data/train.csv]
    params: [train.lr, { other.yaml: [a] }]
    outs: [model.onnx]
    metrics: [{ metrics.json: { cache: false } }]
`

const REPOSITORIES: Readonly<Record<string, Repository>> = {
  tabular: TABULAR,
  'nothing but a readme': { 'README.md': '' },
  'a committed model': { 'models/m.onnx': '', 'pyproject.toml': '[project]' },
  'a pickle without a class': { 'train.py': 'joblib.dump(m, "model.joblib")', 'setup.py': '' },
  'a pickle with a class': {
    'src/train.py': "joblib.dump(m, 'model.joblib')",
    'src/predict.py': 'class Scorer:\n  @classmethod\n  def load(cls, path): ...\n  def predict(self, frame): ...\n',
  },
  dvc: {
    'dvc.yaml': DVC,
    'prepare.py': '',
    'train.py': '',
    'data/raw.csv': '',
    'params.yaml': 'train: { lr: 1 }',
    'other.yaml': 'a: 1',
  },
  'dvc with templates': { 'dvc.yaml': 'stages: { a: { foreach: [1], do: { cmd: x } } }', 'train.py': '' },
  'odd names': { 'train my model.py': '', 'weird: name/x.py': '', "it's.csv": '', 'train.py': '"../up.onnx"' },
  'test file only': { 'test/test_x.py': '', 'train_model.py': '' },
}

test('a dvc.yaml or MLproject that is no YAML is not passed over in silence', () => {
  const { notes, problems } = init({
    'dvc.yaml': 'stages:\n  a: { cmd: x\n',
    MLproject: 'a: 1\na: 2\n',
    'train.py': '',
  })

  expect(problems).toEqual([])
  expect(notes[0]).toMatch(/^dvc.yaml could not be read, so its steps are missing here. Line \d: this is not YAML/)
  expect(notes[1]).toBe(
    'MLproject could not be read, so its steps are missing here. Line 2: this key stands here twice: write it once.',
  )
})

test('a stage that cannot be taken over is left out by name, and the others stay', () => {
  const { notes, pipeline } = init({
    'dvc.yaml': DVC,
    'prepare.py': '',
    'train.py': '',
    'data/raw.csv': '',
    'params.yaml': 'train: { lr: 1 }',
  })

  expect(pipeline?.steps.map(({ name }) => name)).toEqual(['prepare'])
  expect(notes).toContain(
    'Step train of dvc.yaml was left out: "other.yaml" is neither in the commit nor an out of a step. Write it yourself.',
  )
})

test('a parameter of an MLproject never becomes a variable of the system', () => {
  const { pipeline } = init({
    MLproject: `entry_points:
  main:
    parameters: { path: { default: a }, home: { default: b }, user: { default: c }, alpha: { default: 1 } }
    command: python train.py {path} {home} {user} {alpha}
`,
    'train.py': '',
  })

  expect(pipeline?.steps.find(({ name }) => name === 'train')).toMatchObject({
    run: 'python train.py "$PARAM_PATH" "$PARAM_HOME" "$PARAM_USER" "$ALPHA"',
    env: { PARAM_PATH: 'a', PARAM_HOME: 'b', PARAM_USER: 'c', ALPHA: '1' },
  })
})

test.each([
  ['', 'every time, as it names nothing that it reads'],
  [', deps: [raw.csv]', 'once, and again when something it reads changes'],
])('of a frozen stage whose outs are gone it is said when it runs%s', (deps, when) => {
  const { notes, pipeline } = init({
    'dvc.yaml': `stages: { get: { cmd: get, frozen: true, outs: [a.csv]${deps} } }`,
    'raw.csv': '',
  })

  expect(notes).toContain(`Stage get is frozen in dvc.yaml: here it runs ${when}.`)
  expect(pipeline?.steps.find(({ name }) => name === 'get')?.cache).toBe(deps !== '')
})

test.each(Object.keys(REPOSITORIES))('the file written for %s lints clean', (name) => {
  const { problems } = init(REPOSITORIES[name]!)

  expect(problems.map(formatProblem)).toEqual([])
})

test('what can be seen in a repository is written', () => {
  const { text, notes, pipeline } = init(TABULAR)

  expect(pipeline?.build).toMatchObject({
    dependencies: ['requirements.txt'],
    environments: { dev: ['requirements-dev.txt'] },
  })
  expect(pipeline?.steps).toMatchObject([
    { name: 'unit', stage: 'unit-tests', build: 'dev', run: 'pytest tests/unit --junitxml reports/unit.xml' },
    {
      name: 'train',
      run: 'python train.py',
      deps: ['train.py', 'features.py', 'src/', 'data/'],
      params: ['params.yaml'],
      outs: ['out/model.onnx'],
    },
  ])
  expect(pipeline?.model).toMatchObject({ path: 'out/model.onnx', card: 'MODEL_CARD.md' })
  expect(pipeline?.environments.map(({ name }) => name)).toEqual(['production'])
  expect(text).toContain('# Check it with `tidegate lint`')
  expect(notes).toEqual([])
})

test('plain stages of dvc.yaml become steps', () => {
  const { pipeline, notes } = init(REPOSITORIES['dvc']!)

  expect(pipeline?.steps).toMatchObject([
    { name: 'prepare', run: 'python prepare.py', deps: ['prepare.py', 'data/raw.csv'], outs: ['data/train.csv'] },
    {
      name: 'train',
      params: ['params.yaml:train.lr', 'other.yaml:a'],
      outs: ['model.onnx'],
      metrics: ['metrics.json'],
    },
  ])
  expect(notes).toContain('The steps are those of dvc.yaml.')
})

test('params of dvc.yaml in other formats than YAML and JSON are read whole', () => {
  const { pipeline, problems } = init({
    'dvc.yaml': 'stages: { train: { cmd: python t.py, deps: [t.py], params: [lr, c.toml: [a.b], d.py: null] } }',
    't.py': '',
    'params.yaml': 'lr: 1',
    'c.toml': '[a]\nb = 1',
    'd.py': 'x = 1',
  })

  expect(problems.map(formatProblem)).toEqual([])
  expect(pipeline?.steps).toMatchObject([{ deps: ['t.py', 'c.toml', 'd.py'], params: ['params.yaml:lr'] }])
})

test('what cannot be known is said', () => {
  const { pipeline, notes } = init(REPOSITORIES['a pickle without a class']!)

  expect(pipeline?.model).toBeUndefined()
  expect(notes.join(' ')).toContain('model.joblib is no ONNX file')
})
