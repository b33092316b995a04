import { EVALUATION, heldOut, model } from '../harness/tiny-project.ts'
import type { Files } from '../source/git-place.ts'

const MODEL = `model:
  path: model.onnx
  inputs: { x: [a, b, c, d] }
  outputs: { prediction: label, scores: probabilities, classes: ["0", "1"] }
`

const TRAIN = '  train: { run: cp trained.onnx model.onnx, deps: [trained.onnx], outs: [model.onnx] }\n'

/** A 2 x 2 image of two shades, asked about as testers are asked about digits. */
const CASE = {
  id: 'below',
  question: 'Is there more ink below?',
  expected: 1,
  inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data: [0, 1, 3, 3] }],
  show: { image: { input: 'x', shape: [2, 2] } },
}

/** Staging with a case that ana judges, then production that lead approves. */
export const DELIVERED: Files = {
  'trained.onnx': model('one'),
  'rows.csv': heldOut(60),
  'cases.jsonl': `${JSON.stringify(CASE)}\n`,
  'tidegate.yaml': `${MODEL}${EVALUATION}gates: [{ metric: accuracy, min: 0.9 }]
steps:
${TRAIN}environments:
  staging: { acceptance: { testers: [ana], required: 1, cases: cases.jsonl } }
  production: { approval: { reviewers: [lead, mia], required: 1 } }
`,
}

/** Only production, which lead approves. */
export const PRODUCTION_ONLY: Files = {
  'trained.onnx': model('one'),
  'tidegate.yaml': `${MODEL}steps:
${TRAIN}environments:
  production: { approval: { reviewers: [lead], required: 1 } }
`,
}

/** A step that draws a progress bar and then waits for a file, so that a test decides when it ends. */
export function talking(goFile: string): Files {
  return {
    'talk.sh': `printf '\\033[32mreading rows\\033[0m\\n'
printf '10 %%\\r50 %%'
while [ ! -e ${goFile} ]; do sleep 0.05; done
printf '\\r100 %%\\nall rows read\\n'
`,
    'tidegate.yaml': `model: { path: model.onnx }
steps:
  talk: { stage: unit-tests, run: sh talk.sh, timeout: 2m }
  train: { run: 'false', outs: [model.onnx] }
`,
  }
}

export const REPORT = `<testsuite name="unit" tests="2" failures="1">
  <testcase classname="test_ink" name="test_reads_ink" time="0.01"/>
  <testcase classname="test_ink" name="test_blank" time="0.02">
    <failure message="assert 3 == 4">&gt;   assert ink(blank) == 4
E   assert 3 == 4
test_ink.py:14: AssertionError</failure>
  </testcase>
</testsuite>
`

/** A step that passes unless its report tells of a failure. */
export function reporting(report: string): Files {
  return {
    'report.xml': report,
    'tidegate.yaml': `steps:
  unit:
    stage: unit-tests
    run: 'cp report.xml unit.xml; ! grep -q "<failure" unit.xml'
    reports: { junit: unit.xml }
`,
  }
}

export const FAILING: Files = {
  'report.xml': REPORT,
  'tidegate.yaml': `model: { path: model.onnx }
steps:
  unit: { stage: unit-tests, run: cp report.xml unit.xml; exit 1, reports: { junit: unit.xml } }
  train: { run: 'false', outs: [model.onnx] }
`,
}
