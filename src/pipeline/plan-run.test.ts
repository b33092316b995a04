import { expect, test } from 'vitest'
import type { Plan, PlanStep } from '../core/plan.ts'
import { formatProblem } from '../core/problem.ts'
import { parsePipeline } from './parse-pipeline.ts'
import type { PlanContext } from './plan-context.ts'
import { planRun } from './plan-run.ts'

const CONTEXT: PlanContext = {
  project: 'digits',
  branch: 'main',
  defaultBranch: 'main',
  event: 'push',
  files: [
    'train.py',
    'prepare.py',
    'src/a.py',
    'src/b.py',
    'requirements.txt',
    'requirements-dev.txt',
    'params.yaml',
    'CARD.md',
  ],
}

const WHOLE = `
build: { python: "3.11", environments: { dev: requirements-dev.txt, unused: requirements.txt } }
data:
  data/feedback.parquet: { from: production, window: 30d, labelled: true }
env: { SHARED: "\${{ branch }}" }
steps:
  compile: { stage: build, run: make, outs: [lib/] }
  unit: { stage: unit-tests, build: dev, run: pytest }
  prepare:
    run: python prepare.py
    deps: [prepare.py, src, data/feedback.parquet]
    outs: [data/sets]
  train:
    run: python train.py --lr \${{ params.train.lr }}
    deps: [train.py, data/sets/train.csv, "lib/*.so"]
    params: ["params.yaml:train"]
    outs: [model.onnx]
    metrics: [metrics.json]
    env: { OWN: "1" }
  report: { run: cat metrics.json, deps: [metrics.json], needs: [] }
  contract: { stage: integration-tests, endpoint: candidate, needs: [], run: pytest, if: branch == 'main' and steps.unit.outcome == 'succeeded' }
model: { path: model.onnx, card: CARD.md, reference: data/sets/train.csv }
evaluation: { data: data/sets/test.csv, task: classification, label: y, slices: [ink] }
gates: [{ metric: accuracy, min: 0.9 }, { metric: latency-p95, max: 20ms }]
environments: { production: { approval: none, monitors: [{ kind: performance, metric: accuracy, min: 0.5 }] } }
`

function plan(text: string, context: Partial<PlanContext> = {}): Plan {
  const { pipeline, problems } = parsePipeline(text)
  expect(problems.map(formatProblem)).toEqual([])
  const planned = planRun(pipeline!, { ...CONTEXT, ...context })
  expect(planned.problems.map(formatProblem)).toEqual([])
  return planned.plan!
}

function step(from: Plan, key: string): PlanStep {
  return from.steps.find((each) => each.key === key)!
}

function needs(from: Plan, key: string): string[] {
  return step(from, key)
    .needs.map((need) => `${need.step}${need.optional ? '?' : ''}${need.data ? '*' : ''}`)
    .sort()
}

const TRAINING_WAITS = ['compile?', 'data:data/feedback.parquet?', 'environment:dev?', 'sources?', 'unit?']

test('steps wait for earlier stages, for what they use and for what they read', () => {
  const run = plan(WHOLE)

  expect(needs(run, 'compile')).toEqual(['environment'])
  expect(needs(run, 'unit')).toEqual([
    'compile?',
    'data:data/feedback.parquet?',
    'environment:dev',
    'environment?',
    'sources?',
  ])
  expect(needs(run, 'prepare')).toEqual(
    [...TRAINING_WAITS, 'environment']
      .map((need) => (need.startsWith('data:') ? 'data:data/feedback.parquet*' : need))
      .sort(),
  )
  expect(needs(run, 'train')).toEqual(
    [...TRAINING_WAITS, 'environment', 'prepare*'].map((need) => (need === 'compile?' ? 'compile*' : need)).sort(),
  )
})

test('`needs: []` drops the wait for stages, never the wait for data', () => {
  const run = plan(WHOLE)

  expect(needs(run, 'report')).toEqual(['environment', 'train*'])
  expect(step(run, 'train').outs).toEqual(['model.onnx', 'metrics.json'])
  expect(needs(run, 'contract')).toEqual(['bundle', 'environment'])
})

test('our own steps wait for what they need and for nothing else', () => {
  const run = plan(WHOLE)

  expect(run.steps.map(({ key }) => key)).toEqual([
    'environment',
    'environment:dev',
    'sources',
    'data:data/feedback.parquet',
    'compile',
    'unit',
    'prepare',
    'train',
    'report',
    'bundle',
    'contract',
    'evaluation',
    'gates',
    'registration',
  ])
  expect(needs(run, 'sources')).toEqual(['environment', 'environment:dev'])
  expect(needs(run, 'bundle')).toEqual(['environment', 'prepare*', 'train*'])
  expect(needs(run, 'evaluation')).toEqual(['bundle*', 'environment', 'prepare*'])
  expect(needs(run, 'registration')).toEqual(['gates'])
  expect(needs(run, 'gates')).toHaveLength(run.steps.length - 2)
})

test('tasks are told what the file says', () => {
  const run = plan(WHOLE)
  const input = (key: string) => (step(run, key).work as { input: unknown }).input

  expect(input('environment')).toEqual({
    name: 'default',
    dependencies: ['requirements.txt'],
    system: [],
    python: '3.11',
  })
  expect(input('data:data/feedback.parquet')).toEqual({
    path: 'data/feedback.parquet',
    source: { kind: 'production', path: 'data/feedback.parquet', windowMs: 2_592_000_000, labelled: true },
  })
  expect(input('evaluation')).toMatchObject({ metrics: ['accuracy'], slices: ['ink'], latency: true })
  expect(input('gates')).toMatchObject({
    task: 'classification',
    gates: [{ name: 'accuracy' }, { name: 'latency-p95' }],
  })
  expect(input('registration')).toEqual({ name: 'digits' })
  expect(input('sources')).toMatchObject({
    environments: ['environment', 'environment:dev'],
    dataPaths: ['lib/', 'data/sets', 'model.onnx', 'metrics.json', 'data/feedback.parquet'],
  })
})

test('commands get expressions as variables, and conditions keep only outcomes open', () => {
  const run = plan(WHOLE, { readText: (path) => (path === 'params.yaml' ? 'train: { lr: 0.1 }' : undefined) })

  expect(step(run, 'train').work).toEqual({
    kind: 'command',
    run: 'python train.py --lr "$TIDEGATE_EXPR_1"',
    env: { SHARED: 'main', OWN: '1', TIDEGATE_EXPR_1: '0.1' },
    secrets: [],
  })
  expect(step(run, 'contract').if).toBe("(('main' == 'main') and (steps.unit.outcome == 'succeeded'))")
})

test('steps that declare deps are cached, our own by what they are', () => {
  const cached = plan(WHOLE).steps.filter(({ cache }) => cache)

  expect(cached.map(({ key }) => key)).toEqual([
    'environment',
    'environment:dev',
    'sources',
    'prepare',
    'train',
    'report',
    'bundle',
    'evaluation',
  ])
})

test.each([
  ['main', 'push', undefined, true],
  ['main', 'manual', undefined, true],
  ['main', 'alert', undefined, true],
  ['main', 'pull-request', undefined, false],
  ['main', 'local', undefined, false],
  ['feature', 'push', undefined, false],
  ['release/1', 'push', '["release/*"]', true],
  ['main', 'push', '["release/*"]', false],
  ['', 'push', undefined, false],
  ['', 'push', '["**"]', false],
] as const)('on branch %s a %s that may deliver from %s registers: %s', (branch, event, branches, registers) => {
  const deliver = branches === undefined ? '' : `deliver: { branches: ${branches} }\n`

  const run = plan(deliver + WHOLE, { branch, event })

  expect(run.steps.some(({ key }) => key === 'registration')).toBe(registers)
})

test('after an alert all datasets are frozen and compared before anything else runs', () => {
  const run = plan(WHOLE, { event: 'alert' })

  expect(needs(run, 'datasets')).toEqual(['data:data/feedback.parquet'])
  expect(needs(run, 'unit')).toContain('datasets?')
})

test('each member of a matrix is a step, and a need of it means all of them', () => {
  const run = plan(`
steps:
  unit: { stage: unit-tests, run: "pytest -n \${{ matrix.n }}", matrix: { n: [1, 2] } }
  fit: { run: x, deps: [train.py], matrix: { seed: [0, 1] }, outs: ["m-\${{ matrix.seed }}.onnx"] }
  pick: { run: x, needs: [fit], deps: [m-0.onnx], outs: [model.onnx] }
`)

  expect(run.steps.map(({ key }) => key)).toEqual([
    'environment',
    'sources',
    'unit (1)',
    'unit (2)',
    'fit (0)',
    'fit (1)',
    'pick',
  ])
  expect(needs(run, 'pick')).toEqual(['environment', 'fit (0)*', 'fit (1)', 'sources?', 'unit (1)?', 'unit (2)?'])
  expect(step(run, 'fit (1)')).toMatchObject({ matrix: { seed: 1 }, outs: ['m-1.onnx'] })
})

const TEXTS: Readonly<Record<string, string>> = {
  'requirements.txt': '-r base.txt\nnumpy\n',
  'environment.yml': 'dependencies:\n  - pip:\n    - -r base.txt\n    - "-c limits.txt"\n',
}

test.each([
  [['train.py'], []],
  [
    ['train.py', 'pyproject.toml', 'uv.lock'],
    ['pyproject.toml', 'uv.lock'],
  ],
  [
    ['train.py', 'pyproject.toml', 'poetry.lock'],
    ['pyproject.toml', 'poetry.lock'],
  ],
  [
    ['train.py', 'setup.py', 'setup.cfg'],
    ['setup.py', 'setup.cfg', '**'],
  ],
  [
    ['train.py', 'requirements.txt', 'base.txt', 'pyproject.toml'],
    ['requirements.txt', 'base.txt'],
  ],
  [
    ['train.py', 'environment.yml', 'base.txt', 'limits.txt'],
    ['environment.yml', 'base.txt', 'limits.txt'],
  ],
])('with %j the environment is locked by %j', (files, locked) => {
  const text = 'steps: { train: { run: python train.py } }'

  const run = plan(text, {
    files,
    readText: (path) => TEXTS[path],
  })

  expect(step(run, 'environment').deps).toEqual(locked)
})

test.each([
  ['[project]\nname = "x"\ndynamic = [\n  "version",\n  "dependencies",\n]\n', ['**']],
  ['[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\nnumpy = "*"\n', ['**']],
  ['[project]\nname = "x"\ndynamic = ["version"]\ndependencies = ["numpy"]\n', []],
])('a build that tells what %j requires may read the whole commit', (text, more) => {
  const run = plan('steps: { train: { run: python train.py } }', {
    files: ['train.py', 'pyproject.toml'],
    readText: (path) => (path === 'pyproject.toml' ? text : undefined),
  })

  expect(step(run, 'environment').deps).toEqual(['pyproject.toml', ...more])
})

test('a given interpreter is used as it is', () => {
  const run = plan('build: { interpreter: /opt/py/bin/python }\nsteps: { train: { run: x } }')

  expect(step(run, 'environment').work).toMatchObject({
    input: { dependencies: [], interpreter: '/opt/py/bin/python' },
  })
})

test('a wheel is built in an environment of its own, of all files below its project', () => {
  const files = [...CONTEXT.files, 'core/pyproject.toml']
  const made = plan('build: { package: { path: core } }\nsteps: { smoke: { run: x, deps: [dist/] } }', { files })

  const wheel = step(made, 'build:package')
  expect(wheel).toMatchObject({ stage: 'build', deps: ['core/'], outs: ['dist/'], uses: ['environment:build:package'] })
  expect(step(made, 'environment:build:package')).toMatchObject({
    deps: ['core/pyproject.toml'],
    work: { input: { buildSystem: 'core/', dependencies: [] } },
  })
  expect(needs(made, 'smoke')).toContain('build:package*')
})

test('an image is built of the commit before tests, or after the step whose out it takes in', () => {
  const files = [...CONTEXT.files, 'Dockerfile']
  const early = plan('build: { image: true }\nsteps: { a: { run: x } }', { files })
  const late = plan('build: { image: { deps: [m.onnx] } }\nsteps: { train: { run: x, deps: [], outs: [m.onnx] } }', {
    files,
  })

  expect(step(early, 'build:image')).toMatchObject({ stage: 'build', deps: ['Dockerfile', '**'], outs: ['image.oci/'] })
  expect(step(late, 'build:image')).toMatchObject({ stage: 'train', deps: ['Dockerfile', 'm.onnx'] })
  expect(needs(late, 'build:image')).toEqual(['train*'])
})

test('a pyproject.toml with settings of tools alone names no dependencies', () => {
  const files = ['pyproject.toml', 'setup.py']
  const found = (text: string) =>
    step(plan('steps: { a: { run: x } }', { files, readText: () => text }), 'environment').work

  expect(found('[tool.ruff]\nline-length = 120\n')).toMatchObject({ input: { dependencies: ['setup.py'] } })
  expect(found('[project]\nname = "x"\n')).toMatchObject({ input: { dependencies: ['pyproject.toml'] } })
})

test('a glob that begins with a wildcard is about the commit, never about outs', () => {
  const run = plan(
    'steps:\n  a: { run: x, deps: ["**"], outs: [a.py] }\n  b: { run: x, deps: ["*.py"], outs: [b.py] }\n',
  )

  expect(needs(run, 'b')).toEqual(['environment', 'sources?'])
})

test('without a model there is nothing to bundle, judge or register', () => {
  const run = plan('steps: { train: { run: x } }')

  expect(run.steps.map(({ key }) => key)).toEqual(['environment', 'sources', 'train'])
})

test('the same pipeline and context give the same plan', () => {
  expect(plan(WHOLE)).toEqual(plan(WHOLE))
})

test('a stored pipeline that lost its places still names its problems', () => {
  const { pipeline } = parsePipeline('steps: { train: { run: x, deps: [nothing.py] } }')

  const { plan: none, problems } = planRun(JSON.parse(JSON.stringify(pipeline)), CONTEXT)

  expect(none).toBeUndefined()
  expect(problems.map(formatProblem)).toEqual([
    'tidegate.yaml:1:1: steps.train.deps[0]: "nothing.py" is neither in the commit nor an out of a step',
  ])
})

test('a secret that the project does not have is doubted wherever it is named, and planned', () => {
  const { pipeline } = parsePipeline(`
build: { secrets: [UV_INDEX] }
data:
  data/a.csv: { from: 's3://lake/a.csv', secret: LAKE_KEY }
  data/b.csv: { run: x, deps: [], secrets: [WAREHOUSE] }
steps: { a: { run: x, secrets: [TOKEN, TOKENS] } }
`)

  const { plan: planned, problems } = planRun(pipeline!, { ...CONTEXT, secrets: ['TOKEN', 'LAKE_KEY_2'] })

  expect(planned).toBeDefined()
  expect(problems.map(formatProblem)).toEqual([
    'tidegate.yaml:2:20: warning: build.secrets[0]: the project has no secret "UV_INDEX": set it with `tidegate secret set digits UV_INDEX`',
    'tidegate.yaml:4:50: warning: data["data/a.csv"].secret: the project has no secret "LAKE_KEY": did you mean "LAKE_KEY_2"?',
    'tidegate.yaml:5:45: warning: data["data/b.csv"].secrets[0]: the project has no secret "WAREHOUSE": set it with `tidegate secret set digits WAREHOUSE`',
    'tidegate.yaml:6:40: warning: steps.a.secrets[1]: the project has no secret "TOKENS": did you mean "TOKEN"?',
  ])
  expect(planRun(pipeline!, CONTEXT).problems).toEqual([])
})

test('an out that stands twice in a step is told, however it is written', () => {
  const { pipeline } = parsePipeline(
    'steps: { a: { run: x, outs: [./m.onnx, m.onnx, r/, r] }, b: { run: x, metrics: [n.json], outs: [n.json] }, c: { run: x, deps: [n.json] } }',
  )

  const { problems } = planRun(pipeline!, CONTEXT)

  expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'steps.a.outs[1]: "m.onnx" stands here twice',
    'steps.a.outs[3]: "r" stands here twice',
  ])
})

test('a path of outs that an expression makes a pattern of is told', () => {
  const { pipeline } = parsePipeline('steps: { a: { run: x, matrix: { n: ["*"] }, outs: ["${{ matrix.n }}.onnx"] } }')

  expect(planRun(pipeline!, CONTEXT).problems.map(({ message }) => message)).toEqual([
    'this comes out as "*.onnx": no pattern may stand here: name the file, or a folder with a / at its end',
  ])
})

test('a dataset is one path', () => {
  const twice = parsePipeline(
    'data: { ./a.csv: { from: store }, a.csv: { from: store }, a.csv/: { from: store } }\nsteps: { a: { run: x } }',
  )

  expect(twice.problems.map(formatProblem)).toEqual([
    'tidegate.yaml:1:35: data["a.csv"]: "a.csv" is the same path as "./a.csv": write the dataset once',
    'tidegate.yaml:1:59: data["a.csv/"]: "a.csv/" is the same path as "./a.csv": write the dataset once',
  ])
})

test('a plan larger than the limit is refused', () => {
  const members = (count: number) => Array.from({ length: count }, (_, index) => index).join(', ')
  const steps = Array.from({ length: 9 }, (_, index) => `  s${index}: { run: x, matrix: { n: [${members(250)}] } }`)
  const { pipeline } = parsePipeline(`steps:\n${steps.join('\n')}\n`)

  const { problems } = planRun(pipeline!, CONTEXT)

  expect(problems.map(({ message }) => message)).toEqual([
    'the run would have 2252 steps, and may have 2000: take members from its matrices',
  ])
})

test('a matrix has 256 members at most, and one too many is told where it stands and what to do', () => {
  const planned = (values: number) => {
    const list = Array.from({ length: values }, (_, index) => index).join(', ')
    const { pipeline } = parsePipeline(`steps:\n  fit:\n    run: x\n    matrix: { n: [${list}] }\n`)
    return planRun(pipeline!, CONTEXT)
  }

  expect(planned(256).plan?.steps.filter(({ key }) => key.startsWith('fit'))).toHaveLength(256)
  expect(planned(257).problems).toMatchObject([
    {
      line: 4,
      column: 13,
      path: 'steps.fit.matrix',
      message: 'the matrix has more than 256 members: take values from it, `exclude` some, or make two steps of it',
    },
  ])
})
