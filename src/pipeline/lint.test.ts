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
  const evidence = { rows: 450, smallestMargin: (rows: number) => 9 / rows }

  const problems = lintPipeline(GATED, { evidence })

  expect(problems.map(formatProblem)).toEqual([
    'tidegate.yaml:4:56: warning: gates[0].margin: 450 rows support a margin of 0.020 or more: an equally good candidate would often be inconclusive',
  ])
  expect(lintPipeline(GATED.replace('0.005', '0.05'), { evidence })).toEqual([])
})

test('without the files of a commit nothing is said about files', () => {
  expect(lintPipeline(GATED)).toEqual([])
  expect(lintPipeline(GATED, { files: ['test.csv'] }).map(({ path }) => path)).toEqual(['model.path'])
})

test('the file is called what it is called', () => {
  expect(lintPipeline('x: 1', { file: 'ml/tidegate.yaml' })[0]?.file).toBe('ml/tidegate.yaml')
})
