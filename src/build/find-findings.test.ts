import { expect, test } from 'vitest'
import { readCommand } from '../pipeline/command-files.ts'
import { findFindings } from './find-findings.ts'

test('a file that a step does not find is placed at the command of that step', () => {
  const text = `steps:
  sees: { run: python train.py }
  fit:
    deps: [a.py]
    run: |
      echo 1
      python train.py
  folder: { run: cd jobs && python gone.py }
`
  const commands = [
    { step: 'sees', run: 'python train.py' },
    { step: 'fit (1)', run: 'echo 1\npython train.py\n', deps: ['a.py'] },
    { step: 'folder', run: 'cd jobs && python gone.py' },
  ]

  const findings = findFindings({
    paths: new Set(['train.py', 'a.py', 'jobs/a.py']),
    commands: commands.map((each) => ({ ...each, environment: 'environment', files: readCommand(each.run) })),
    facts: {},
    dataPaths: [],
    requirements: {},
    large: [],
    pipelineFile: { path: 'tidegate.yaml', text },
  })

  expect(findings.map(({ line, column }) => `${line}:${column}`)).toEqual(['7:14', '8:18'])
})
