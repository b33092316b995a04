import { expect, test } from 'vitest'
import { formatProblem } from '../core/problem.ts'
import { parsePipeline, pipelineDigest } from './parse-pipeline.ts'
import type { Pipeline } from './pipeline.ts'

function parsed(text: string): Pipeline {
  const { pipeline, problems } = parsePipeline(text)
  expect(problems.map(formatProblem)).toEqual([])
  return pipeline!
}

function problemsOf(text: string): string[] {
  return parsePipeline(text).problems.map(formatProblem)
}

test('the smallest file has every default filled in', () => {
  const pipeline = parsed(
    'model: { path: model.onnx }\nsteps:\n  train: { run: python train.py, outs: [model.onnx] }\n',
  )

  expect(pipeline.model).toEqual({
    path: 'model.onnx',
    runtime: { kind: 'onnx' },
    include: [],
    inputs: {},
    outputs: {},
  })
  expect(pipeline.steps[0]).toEqual({
    name: 'train',
    stage: 'train',
    run: 'python train.py',
    params: [],
    outs: ['model.onnx'],
    metrics: [],
    reports: { junit: [], coverage: [] },
    cache: true,
    env: {},
    secrets: [],
    services: [],
    checkpoint: [],
    runsOn: 'local',
    resources: { cpus: 1, gpus: 0 },
    timeoutMs: 86_400_000,
    retry: { on: ['executor-lost'], limit: 1 },
  })
})

test('durations become milliseconds, sizes bytes, percentages shares', () => {
  const pipeline = parsed(`
model: { path: m.onnx, inputs: { x: [id, p0..p3, q08..q10] } }
steps:
  train: { run: x, timeout: 90m, silence-timeout: 20s, resources: { memory: 1.5GiB }, retry: none }
environments:
  production:
    approval: { reviewers: [lead, "group:risk"], required: 2, expires: 2d }
    window: { days: [mon, fri], hours: "09:30-16:00", timezone: Europe/Paris }
    rollout: [{ weight: 5%, for: 10m, min-requests: 500, at-most: 2d }, { weight: 0.5 }]
    route-by: "header:X-Customer-Id"
    observe: 2w
    log: { sample: 50%, keep: 1d, drop: [name] }
    guard-rails:
      - { metric: error-rate, max-increase: 1% }
      - { metric: latency-p99, max: 250ms }
      - { metric: accuracy, max-decrease: 0.02 }
    monitors:
      - { kind: drift, window: 500 rows, for: 2 windows, actions: [notify, { retrain: { cooldown: 7d, limit: 2 per 30d } }] }
      - { kind: latency, p99: 250ms, actions: [rollback, retrain] }
`)

  expect(pipeline.model?.inputs).toEqual({ x: ['id', 'p0', 'p1', 'p2', 'p3', 'q08', 'q09', 'q10'] })
  expect(pipeline.steps[0]).toMatchObject({
    timeoutMs: 5_400_000,
    silenceTimeoutMs: 20_000,
    resources: { memoryBytes: 1_610_612_736 },
    retry: { on: [], limit: 0 },
  })
  expect(pipeline.environments[0]).toMatchObject({
    approval: { reviewers: ['lead', 'group:risk'], required: 2, expiresMs: 172_800_000, allowSelfApproval: false },
    window: { days: ['mon', 'fri'], fromMinute: 570, toMinute: 960, timezone: 'Europe/Paris' },
    strategy: 'phases',
    rollout: [
      { weight: 0.05, forMs: 600_000, minRequests: 500, atMostMs: 172_800_000 },
      { weight: 0.5, forMs: 0 },
      { weight: 1, forMs: 0 },
    ],
    routeBy: 'header:x-customer-id',
    observeMs: 1_209_600_000,
    log: { inputs: 'all', drop: ['name'], sample: 0.5, keepMs: 86_400_000 },
    guardRails: [
      { kind: 'errors', name: 'error-rate', maxIncrease: 0.01 },
      { kind: 'latency', name: 'latency-p99', percentile: 99, maxMs: 250 },
      { kind: 'labels', name: 'accuracy', metric: 'accuracy', maxDecrease: 0.02 },
    ],
    monitors: [
      {
        kind: 'drift',
        name: 'drift',
        features: 'all',
        window: { kind: 'rows', rows: 500 },
        forWindows: 2,
        actions: [
          { kind: 'notify' },
          { kind: 'retrain', cooldownMs: 604_800_000, limit: { runs: 2, perMs: 2_592_000_000 } },
        ],
      },
      {
        kind: 'latency',
        name: 'latency-p99',
        percentile: 99,
        maxMs: 250,
        actions: [{ kind: 'rollback' }, { kind: 'retrain', cooldownMs: 86_400_000 }],
      },
    ],
  })
})

test('gates have names that tell them apart', () => {
  const { gates } = parsed(`
model: { path: m.onnx }
steps: { train: { run: x } }
evaluation: { data: test.csv, task: classification, label: y, slices: [ink] }
gates:
  - { metric: accuracy, min: 0.9 }
  - { metric: accuracy, against: champion, margin: 0.02 }
  - { metric: accuracy, slice: ink, min: 0.8, min-rows: 50 }
  - { metric: latency-p95, max: 20ms }
  - { metric: accuracy, max: 0.999 }
`)

  expect(gates).toEqual([
    { kind: 'absolute', name: 'accuracy', metric: 'accuracy', min: 0.9, minRows: 1 },
    { kind: 'champion', name: 'accuracy-vs-champion', metric: 'accuracy', margin: 0.02, confidence: 0.95, minRows: 1 },
    { kind: 'absolute', name: 'accuracy-ink', metric: 'accuracy', slice: 'ink', min: 0.8, minRows: 50 },
    { kind: 'latency', name: 'latency-p95', percentile: 95, maxMs: 20 },
    { kind: 'absolute', name: 'accuracy-2', metric: 'accuracy', max: 0.999, minRows: 1 },
  ])
})

test('a `predict` class brings its own file into the bundle', () => {
  const { model } = parsed('model: { path: m.joblib, predict: "src/predict.py:Model" }\nsteps: { t: { run: x } }')
  const covered = parsed(
    'model: { path: m.joblib, predict: "src/predict.py:Model", include: [src/] }\nsteps: { t: { run: x } }',
  )

  expect(model).toMatchObject({
    runtime: { kind: 'predict', entry: 'src/predict.py:Model' },
    include: ['src/predict.py'],
  })
  expect(covered.model?.include).toEqual(['src/'])
})

test('anchors, aliases and merges are expanded', () => {
  const { steps } = parsed(`
steps:
  a: &shared { run: a, timeout: 1m, env: { X: "1" } }
  b: { <<: *shared, run: b }
`)

  expect(steps.map(({ run, timeoutMs, env }) => [run, timeoutMs, env])).toEqual([
    ['a', 60_000, { X: '1' }],
    ['b', 60_000, { X: '1' }],
  ])
})

test.each([
  ['', 'tidegate.yaml:1:1: the file is empty: write `steps: { train: { run: python train.py } }`'],
  ['a: 1\na: 2', 'tidegate.yaml:2:1: a: this key stands here twice: write it once'],
  ['steps: { a: { run: a } }\n---\nsteps: {}', 'tidegate.yaml:2:1: write one document: nothing after `---`'],
  ['- a', 'tidegate.yaml:1:1: write a mapping of keys to values, not a list'],
  ['steps: *nowhere', 'tidegate.yaml:1:8: steps: there is no anchor &nowhere before this'],
  ['steps: &a { x: *a }', 'tidegate.yaml:1:16: steps.x: *a stands inside &a: it would never end'],
  [
    'steps: { a: { run: a, timeout: 5 } }',
    'tidegate.yaml:1:32: steps.a.timeout: write a duration as 30s, 10m, 2h or 7d',
  ],
  [
    'steps: { a: { run: a, runs-on: gpu } }',
    'tidegate.yaml:1:23: steps.a.runs-on: another pool than local is known, but not available yet: write `runs-on: local`',
  ],
  [
    'gates: [{ metric: mae, max: 20ms }]\nsteps: { a: { run: a } }',
    'tidegate.yaml:1:29: gates[0].max: write a number: only latencies have a time',
  ],
  [
    'gates: [{ metric: latency-p95, max: 20 }]\nsteps: { a: { run: a } }',
    'tidegate.yaml:1:37: gates[0].max: write a time, as 20ms',
  ],
  [
    'steps: { a: { run: a } }\nenvironments: { x: { approval: none, guard-rails: [{ metric: f1, min: 0.5 }] } }',
    'tidegate.yaml:2:52: environments.x.guard-rails[0]: a guard rail on another metric from labels than accuracy is known, but not available yet: write `metric: accuracy`',
  ],
  [
    'steps: { a: { run: a } }\nenvironments: { x: { approval: none, monitors: [{ kind: performance, metric: auc, min: 0.5 }] } }',
    'tidegate.yaml:2:49: environments.x.monitors[0]: watching another metric than accuracy, mae and rmse is known, but not available yet: write one of these',
  ],
  [
    'steps:\n  train: { run: python train.py\n  other: "x\n',
    'tidegate.yaml:4:1: this is not YAML: Missing closing "quote',
  ],
])('%j is answered in words', (text, problem) => {
  expect(problemsOf(text)).toContain(problem)
})

test('what a step makes is named by paths that lead to one place', () => {
  const text = `steps:
  a:
    run: x
    deps: [., ./, ./a.py, '*.csv', src/./a.py]
    outs: [./m.onnx, a/./b, a/., '.', ./, '*.onnx', 'a?', 'm[0].txt', 'x-\${{ branch }}/']
    metrics: [./, 'm/*.json']
    checkpoint: ['.', 'c/*']
    reports: { junit: 'r/*.xml', coverage: [.] }
`
  const whole = 'that would take in what the step reads: name the files and folders that it makes'
  const pattern = 'no pattern may stand here: name the file, or a folder with a / at its end'

  expect(parsePipeline(text).problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'steps.a.deps[4]: write it without ./',
    'steps.a.outs[1]: write it without ./',
    'steps.a.outs[2]: write it without ./',
    `steps.a.outs[3]: ${whole}`,
    `steps.a.outs[4]: ${whole}`,
    `steps.a.outs[5]: ${pattern}`,
    `steps.a.outs[6]: ${pattern}`,
    `steps.a.outs[7]: ${pattern}`,
    `steps.a.metrics[0]: ${whole}`,
    `steps.a.metrics[1]: ${pattern}`,
    `steps.a.checkpoint[0]: ${whole}`,
    `steps.a.checkpoint[1]: ${pattern}`,
    `steps.a.reports.coverage[0]: ${whole}`,
  ])
})

test.each([
  ['3.11', 'write the version in quotes: "3.11"'],
  ['3.10', 'this would become 3.1: put it in quotes: "3.10"'],
  ['">=3.11"', 'a range is not taken: write one version, as "3.11"'],
  ['"3.11 - 3.12"', 'a range is not taken: write one version, as "3.11"'],
  ['three', 'write one version in quotes, as "3.11"'],
])('a version of Python written as %s is answered with what to write', (python, message) => {
  expect(
    parsePipeline(`build: { python: ${python} }\nsteps: { a: { run: x } }`).problems.map((one) => one.message),
  ).toEqual([message])
})

test('a name from the language’s own objects is just a name', () => {
  expect(problemsOf('steps: { constructor: { run: x, needs: [toString] } }')).toEqual([
    'tidegate.yaml:1:41: steps.constructor.needs[0]: there is no step "toString"',
  ])
  expect(problemsOf('steps: { a: { run: x } }\nconstructor: 1')[0]).toContain('unknown key "constructor"')
})

test('of very many problems the first are named and the others counted', () => {
  const keys = Array.from({ length: 1_000 }, (_, index) => `k${index}: 1`)

  const problems = problemsOf(keys.join('\n'))

  expect(problems).toHaveLength(201)
  expect(problems.at(-1)).toBe('tidegate.yaml:199:1: and 801 more problems after this')
})

test('equal texts have equal digests', () => {
  expect(pipelineDigest('a')).toBe(pipelineDigest('a'))
  expect(pipelineDigest('a')).not.toBe(pipelineDigest('b'))
})

test('a file in UTF-16 is told to be saved in UTF-8', () => {
  const text = Buffer.from('\uFEFFsteps: { a: { run: x } }', 'utf16le').toString('utf8')

  const [problem] = parsePipeline(text).problems

  expect(problem?.message).toBe('this is no text in UTF-8: save the file in that encoding')
})

test('a byte that is none of UTF-8, and a NUL, are told where they stand', () => {
  const latin = Buffer.from('steps:\n  # na\xefve\n  a: { run: x }\n', 'latin1').toString('utf8')

  expect(problemsOf(latin)).toEqual(['tidegate.yaml:2:7: this is not in UTF-8: save the file in that encoding'])
  expect(problemsOf('steps:\n  a: { run: "x\0" }\n')).toEqual([
    'tidegate.yaml:2:15: a character NUL stands here: take it out',
  ])
})

test('a file needs a step', () => {
  expect(problemsOf('steps: {}')).toEqual([
    'tidegate.yaml:1:8: steps: write one step at least: `train: { run: python train.py }`',
  ])
})

test('of thousands of wrong names the first are told what they were meant to be', () => {
  const typos = Array.from({ length: 20 }, (_, index) => `trainong-stap-${index}`).join(', ')
  const text = `steps: {${Array.from({ length: 1_000 }, (_, index) => `training-step-${index}: { run: x, needs: [${typos}] }`).join(', ')}}`

  const problems = problemsOf(text)

  expect(problems).toHaveLength(201)
  // Each looks at every name of the file: for all of these it took a minute.
  expect(problems.filter((problem) => problem.includes('did you mean'))).toHaveLength(50)
}, 60_000)

test('more steps than a run may have are refused before anything else is looked at', () => {
  const text = `steps: {${Array.from({ length: 2_001 }, (_, index) => `s${index}: { rum: x }`).join(', ')}}`

  expect(problemsOf(text)).toEqual([
    'tidegate.yaml:1:1: steps: here are 2001 steps, and a run may have 2000: put commands that belong together into one step',
  ])
})

test('a file over its limit is refused unread, and one of just that size is read', () => {
  const smallest = 'steps: { train: { run: x } }\n'
  const ofSize = (bytes: number) => smallest.padEnd(bytes - 1, '#') + '\n'

  expect(problemsOf(ofSize(1_048_576))).toEqual([])
  expect(problemsOf(ofSize(1_048_577))).toEqual([
    'tidegate.yaml:1:1: the file has 1048577 bytes, and may have 1048576: put long scripts and lists into files of their own',
  ])
})
