import { expect, test } from 'vitest'
import { formatProblem } from '../core/problem.ts'
import { lintPipeline } from './lint.ts'

const GATED = `model: { path: train.onnx }
steps: { a: { stage: unit-tests, run: pytest } }
evaluation: { data: test.csv, task: classification, label: y }
gates: [{ metric: accuracy, against: champion, margin: 0.005 }]
environments: { production: { approval: none } }
`

test('a margin smaller than the rows support is a doubt, not an error', () => {
  const evidence = () => ({ rows: 450, margin: 0.01951 })

  const problems = lintPipeline(GATED, { evidence })

  expect(problems.map(formatProblem)).toEqual([
    'tidegate.yaml:4:56: warning: gates[0].margin: the 450 rows of the last evaluation support a margin of 0.02 or more: an equally good candidate would often be inconclusive',
  ])
  expect(lintPipeline(GATED.replace('0.005', '0.05'), { evidence })).toEqual([])
})

test('a least error is doubted, a largest one and a least accuracy are not', () => {
  const numbers = GATED.replace('classification', 'regression')
  const gate = (bound: string) => numbers.replace(/gates: .*/, `gates: [{ metric: mae, ${bound} }]`)

  expect(lintPipeline(gate('min: 3')).map(({ message }) => message)).toEqual([
    'less mae is better: did you mean `max`?',
  ])
  expect(lintPipeline(gate('max: 3'))).toEqual([])
  expect(lintPipeline(GATED.replace(/gates: .*/, 'gates: [{ metric: accuracy, min: 0.9 }]'))).toEqual([])
})

const OWN = `model: { path: train.onnx }
steps: { a: { stage: unit-tests, run: pytest } }
evaluation:
  predictions: answers.csv
  task: classification
  label: y
  id: image
  slices: [clinic]
  metrics: { dice: { column: overlap, better: higher } }
gates:
  - { metric: dice, against: champion, margin: 0.02, confidence: 0.95 }
  - { metric: dice, against: champion, margin: 0.05, slice: clinic, min-rows: 50 }
  - { check: fairness, metric: dice, between: clinic, max-difference: 0.1 }
environments: { production: { approval: none } }
`

test('answers of the author may stand beside labels that no step sees, joined by id', () => {
  const hidden = `data: { labels.csv: { from: store, only: [evaluation] } }\n${OWN.replace('evaluation:', 'evaluation:\n  data: labels.csv')}`
  const said = (text: string) => lintPipeline(text).map(formatProblem)

  expect(said(hidden)).toEqual([])
  expect(said(hidden.replace('  id: image\n', ''))).toEqual([
    'tidegate.yaml:6:16: evaluation.predictions: `predictions` beside `data` are joined by `id`: name the column that both have',
  ])
  expect(said(hidden.replace('predictions: answers.csv', 'predictions: labels.csv'))).toEqual([
    'tidegate.yaml:6:16: evaluation.predictions: this is `data` itself: leave `data` out where answers and labels are one table',
  ])
})

test('what was answered is never the truth, and where nothing is asked nothing is timed', () => {
  const said = (text: string) => lintPipeline(text).map(formatProblem)

  expect(said(OWN.replace('label: y', 'label: prediction'))).toEqual([
    'tidegate.yaml:6:10: evaluation.label: "prediction" holds what was answered: the truth stands in another column',
  ])
  expect(said(OWN.replace('gates:\n', 'gates:\n  - { metric: latency-p95, max: 20ms }\n'))).toEqual([
    'tidegate.yaml:11:15: gates[0].metric: no model is asked where `evaluation.predictions` has the answers: leave this gate out',
  ])
})

test("gates know metrics of the author's own; rows that cannot be paired with the champion's are doubted", () => {
  expect(lintPipeline(OWN)).toEqual([])
  expect(lintPipeline(OWN.replace('  id: image\n', '')).map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'gates[0].against: rows of `predictions` are paired with those of the champion by `evaluation.id`: name the column',
    'gates[1].against: rows of `predictions` are paired with those of the champion by `evaluation.id`: name the column',
  ])
  expect(lintPipeline(OWN.replaceAll('metric: dice', 'metric: dise')).map(({ message }) => message)).toEqual(
    Array.from({ length: 3 }, () => 'there is no metric "dise": did you mean "dice"?'),
  )
})

test('beside another mistake the metrics of gates that are none of the rows are known', () => {
  const gates =
    'gates: [{ metric: model-size, max: 5MiB }, { metric: latency-p95, max: 1s }, { metric: modelsize, max: 5 }]\n'
  const text = `${gates}steps: { a: { runs: pytest } }\n`

  const told = lintPipeline(text).map(({ message }) => message)

  expect(told.filter((message) => message.startsWith('there is no metric'))).toEqual([
    'there is no metric "modelsize": did you mean "model-size"?',
  ])
})

test('without the files of a commit nothing is said about files', () => {
  expect(lintPipeline(GATED)).toEqual([])
  expect(lintPipeline(GATED, { files: ['test.csv'] }).map(({ path }) => path)).toEqual(['model.path'])
})

test('the file is called what it is called', () => {
  expect(lintPipeline('x: 1', { file: 'ml/tidegate.yaml' })[0]?.file).toBe('ml/tidegate.yaml')
})

test('an event that no run has is told, with the one that was meant', () => {
  const messages = (condition: string) =>
    lintPipeline(`steps: { a: { run: x, if: "${condition}", cache: false } }`).map(({ message }) => message)

  expect(messages("event == 'pull_request'")).toEqual([`no run has the event "pull_request": write 'pull-request'`])
  expect(messages("event != 'workflow_dispatch'")).toEqual([`no run has the event "workflow_dispatch": write 'manual'`])
  expect(messages("'nightly' == event")).toEqual([
    'no run has the event "nightly": write push, pull-request, schedule, manual, alert, local',
  ])
  expect(messages("event == 'constructor'")).toEqual([
    'no run has the event "constructor": write push, pull-request, schedule, manual, alert, local',
  ])
  expect(messages("event == 'schedule' or event == 'local'")).toEqual([])
})

test('metrics of two steps in one file are told at their own key, those of a matrix only where they are read', () => {
  const told = (steps: string) =>
    lintPipeline(`steps:\n${steps}`, { files: [] })
      .filter(({ severity }) => severity === 'error')
      .map(({ path, message }) => `${path}: ${message}`)
  const two = `  m1: { run: x, metrics: [m.json] }\n  m2: { run: x, outs: [o], metrics: [m.json] }\n`
  const matrix = `  m: { run: x, metrics: [m.json], matrix: { n: [1, 2] } }\n`
  const same = 'steps.m2.metrics[0]: "m.json" is already made by m1: an out has one step'

  expect(told(two)).toEqual([same])
  expect(told(`${two}  reads: { run: x, deps: [m.json] }\n`)).toEqual([same])
  expect(told(matrix)).toEqual([])
  expect(told(`${matrix}  reads: { run: x, deps: [m.json] }\n`)).toEqual([
    'steps.m.metrics[0]: every member of the matrix makes "m.json": put ${{ matrix.… }} into the path',
  ])
})

test('a file or a link that `deps` names as a folder is told, as a step would not find it', () => {
  const text = 'steps: { a: { run: cat link/x, deps: [link/, src/] } }'

  const problems = lintPipeline(text, { files: ['link', 'src/a.py'] })

  expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'steps.a.deps[0]: "link/" is no folder of the commit, but a file or a link: write "link", and name what a link leads to',
  ])
})
