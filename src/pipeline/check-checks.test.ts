import { expect, test } from 'vitest'
import { formatProblem } from '../core/problem.ts'
import { lintPipeline } from './lint.ts'

function lint(gates: string, texts: Readonly<Record<string, string>> = {}): string[] {
  const text = `model: { path: model.onnx }
data:
  data/holdout.parquet: { from: "file:/data/holdout.parquet", only: [evaluation] }
evaluation: { data: data/holdout.parquet, task: classification, label: label }
gates:
${gates}
steps: { train: { run: make, deps: [make.py], outs: [model.onnx, data/train.parquet] } }
environments: { production: { approval: none } }
`
  const files = ['make.py', ...Object.keys(texts)]
  return lintPipeline(text, { files, readText: (path) => texts[path] }).map(formatProblem)
}

test('gates may read rows that no step sees', () => {
  const gates = `  - { check: leakage, train: data/train.parquet, test: data/holdout.parquet }
  - { check: data, dataset: data/holdout.parquet, min-rows: 10 }`

  expect(lint(gates)).toEqual([])
})

test('mistakes in the file of behaviour tests are told with their place, as those of the pipeline are', () => {
  const found = lint('  - { check: behaviour, file: tests/b.yaml }', {
    'tests/b.yaml': 'tests:\n  - { name: a, invariance: { x: { sett: 1 } } }\n',
  })

  expect(found.join('\n')).toMatch(/^tests\/b\.yaml:2:\d+: .*unknown key "sett": did you mean "set"\?$/m)
})

test.each([
  [
    '{ check: fairnes, metric: recall }',
    'tidegate.yaml:6:14: gates[0].check: there is no check "fairnes": did you mean "fairness"?',
  ],
  [
    '{ check: fairness, metric: recal, between: sex, max-difference: 0.1 }',
    'gates[0].metric: there is no metric "recal": did you mean "recall"?',
  ],
  [
    '{ check: fairness, metric: recall, betwen: sex, max-difference: 0.1 }',
    'gates[0].betwen: unknown key "betwen": did you mean "between"?',
  ],
  [
    '{ check: behaviour, file: tests/none.yaml }',
    'gates[0].file: "tests/none.yaml" is neither in the commit nor an out of a step',
  ],
  [
    '{ check: data, dataset: data/train.parquet }',
    'gates[0]: say what must be true: `columns`, `min-rows` or `duplicates`',
  ],
  ['{ metric: model-size, max: 5 }', 'gates[0].max: write a size, as 50MiB'],
  ['{ metric: accuracy, max: 5MiB }', 'gates[0].max: write a number: only model-size has a size'],
])('%s is answered in words', (gate, problem) => {
  expect(lint(`  - ${gate}`).join('\n')).toContain(problem)
})
