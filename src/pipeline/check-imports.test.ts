import { expect, test } from 'vitest'
import { formatProblem } from '../core/problem.ts'
import { lintPipeline } from './lint.ts'

/** What is said about the imports of one step with these deps, in a commit of these files. */
function lint(step: string, files: Record<string, string>): string[] {
  const text = `steps:\n  train: { ${step} }\n`
  const problems = lintPipeline(text, { files: Object.keys(files), readText: (path) => files[path] })
  return problems.map(formatProblem).filter((line) => line.includes(' imports '))
}

const FILES = {
  'train.py': 'import os\nimport features\nfrom src.model import build\n',
  'features.py': 'import helper\n',
  'helper.py': '',
  'src/__init__.py': '',
  'src/model.py': 'from . import layers\n',
  'src/layers.py': '',
}

test('a local module that deps do not cover is named with the line that imports it and what to add', () => {
  expect(lint('run: python train.py, deps: [train.py, src/]', FILES)).toEqual([
    'tidegate.yaml:2:40: warning: steps.train.deps: train.py:2 imports features.py, which this step does not see: add "features.py" to `deps`',
  ])
})

test('imports of imports are followed as far as the step sees them', () => {
  expect(lint('run: python train.py, deps: [train.py, features.py, src/model.py, src/__init__.py]', FILES)).toEqual([
    expect.stringContaining('features.py:1 imports helper.py, which this step does not see: add "helper.py" to `deps`'),
    expect.stringContaining(
      'src/model.py:1 imports src/layers.py, which this step does not see: add "src/layers.py" or "src/" to `deps`',
    ),
  ])
})

test.each([
  ['all are covered', 'run: python train.py, deps: ["*.py", src/]'],
  ['the step sees everything', 'run: python train.py'],
  ['the whole commit is a dep', 'run: python train.py, deps: ["**"]'],
  ['a path is an expression', 'run: python train.py, deps: ["${{ branch }}/x", train.py]'],
  ['the command is not Python', 'run: ./train.sh, deps: [train.py]'],
])('nothing is said where %s', (_, step) => {
  expect(lint(step, FILES)).toEqual([])
})

test('a script looks beside itself, a module in the working folder', () => {
  const files = { 'jobs/train.py': 'import util\n', 'jobs/util.py': '', 'util.py': '', 'jobs/__init__.py': '' }
  expect(lint('run: python jobs/train.py, deps: [jobs/train.py]', files).join()).toContain('imports jobs/util.py,')
  expect(lint('run: python -m jobs.train, deps: [jobs/train.py, jobs/__init__.py]', files).join()).toContain(
    'imports util.py,',
  )
  expect(lint('run: PYTHONPATH=. python jobs/train.py, deps: [jobs/]', files)).toEqual([])
})

test('a module runs the packages around it, in the folder that the command is in or on PYTHONPATH', () => {
  const files = {
    'jobs/churn/__init__.py': 'import settings\n',
    'jobs/churn/train.py': 'from churn.data import read\n',
    'jobs/churn/data.py': '',
    'jobs/settings.py': '',
  }
  const deps = 'deps: [jobs/churn/__init__.py, jobs/churn/train.py]'
  for (const run of ['cd jobs && python -m churn.train', 'PYTHONPATH=jobs python -m churn.train'])
    expect(lint(`run: "${run}", ${deps}`, files).map((line) => line.replace(/.*deps: /, ''))).toEqual([
      'jobs/churn/__init__.py:1 imports jobs/settings.py, which this step does not see: add "jobs/settings.py" or "jobs/" to `deps`',
      'jobs/churn/train.py:1 imports jobs/churn/data.py, which this step does not see: add "jobs/churn/data.py" or "jobs/churn/" to `deps`',
    ])
})

test('tests are entered where pytest looks for them', () => {
  const files = {
    'tests/test_a.py': 'from src.model import m\n',
    'tests/conftest.py': 'import fixtures\n',
    'tests/fixtures.py': '',
    'src/model.py': '',
  }
  expect(lint('run: pytest tests, deps: [tests/]', files)).toEqual([
    expect.stringContaining('tests/test_a.py:1 imports src/model.py'),
  ])
  expect(lint('run: python -m pytest tests/test_a.py, deps: [tests/, src/]', files)).toEqual([])
})

test('what is installed, optional or for type checkers is no concern of deps', () => {
  const files = {
    'train.py':
      'import numpy\ntry:\n    import fast\nexcept ImportError:\n    pass\nif TYPE_CHECKING:\n    import kinds\n',
    'fast.py': '',
    'kinds.py': '',
  }
  expect(lint('run: python train.py, deps: [train.py]', files)).toEqual([])
})

test('files that import one another are followed once', () => {
  const files = { 'a.py': 'import b\n', 'b.py': 'import a\nimport c\n', 'c.py': '' }
  expect(lint('run: python a.py, deps: [a.py, b.py]', files)).toHaveLength(1)
})
