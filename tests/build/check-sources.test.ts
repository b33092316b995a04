import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBuildEnvironmentTask } from '../../src/build/build-environment.ts'
import { createCheckSourcesTask, type CheckSourcesInput } from '../../src/build/check-sources.ts'
import type { Provided } from '../../src/core/task.ts'
import { openTaskPlace, type TaskPlace } from '../harness/task-context.ts'
import { folderOfUv, makeWheels } from './python-tools.ts'

let place: TaskPlace
const provided: Record<string, Provided> = {}

beforeAll(async () => {
  place = await openTaskPlace()
  const wheels = join(place.dataFolder, 'wheels')
  await makeWheels(wheels, [
    { name: 'alpha', version: '1.0' },
    { name: 'devtool', version: '1.0' },
  ])
  const env = {
    HOME: place.dataFolder,
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: wheels,
    PATH: `${await folderOfUv()}:${process.env['PATH']}`,
  }
  const task = createBuildEnvironmentTask({ env, stepsRunAsOtherUser: false })
  for (const [key, text] of Object.entries({ environment: 'alpha\n', 'environment:dev': 'alpha\ndevtool\n' })) {
    const context = await place.context()
    await writeFile(join(context.workspace, 'r.txt'), text)
    const output = await task.run({ name: key, dependencies: ['r.txt'], system: [] }, context)
    provided[key] = output.provides!
  }
})
afterAll(() => place[Symbol.asyncDispose]())

async function check(
  files: Record<string, string>,
  commands: CheckSourcesInput['commands'],
  dataPaths: readonly string[] = [],
  dependencies: CheckSourcesInput['dependencies'] = {},
) {
  const context = await place.context()
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(context.workspace, path)), { recursive: true })
    await writeFile(join(context.workspace, path), text)
  }
  const output = await createCheckSourcesTask().run(
    { environments: Object.keys(provided), commands, dataPaths, dependencies, provided },
    context,
  )
  return { ...output, lines: context.lines }
}

const train = { step: 'train', run: 'python train.py', environment: 'environment' }

test('a healthy repository has no findings', async () => {
  const output = await check(
    {
      'train.py': 'import os, alpha\nfrom mine.part import thing\nfrom . import x\n',
      'src/mine/part.py': [
        'from typing import TYPE_CHECKING',
        'try:',
        '    import cupy as np',
        'except ImportError:',
        '    np = None',
        'if TYPE_CHECKING:',
        '    import pandas',
        'thing = 1',
      ].join('\n'),
    },
    [train],
  )

  expect(output).toMatchObject({ result: { findings: [] } })
  expect(output.failure).toBeUndefined()
})

test('a syntax error is found with its place, and stops the run', async () => {
  const output = await check({ 'train.py': 'import lib\n', 'lib.py': 'x = 1\ndef f(:\n  pass\n' }, [train])

  expect(output.failure).toEqual({
    reason: 'refused',
    message: expect.stringMatching(/^lib\.py:2:7: syntax error: /) as string,
  })
})

test('beside a syntax error no package is called needless: what that file imports is not known', async () => {
  const files = { 'train.py': 'import alpha\nx = (1\n', 'requirements.txt': 'alpha\n' }

  const output = await check(files, [train], [], { environment: ['requirements.txt'] })

  expect(output.result!.findings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^syntax error: /) as string,
  ])
})

test('an import that nothing provides names the package to add', async () => {
  const output = await check({ 'train.py': 'import alpha\n\nfrom sklearn.svm import SVC\nimport cv2\n' }, [train])

  expect(output.result!.findings.map(({ line, message }) => [line, message])).toEqual([
    [3, 'no package of environment default provides "sklearn.svm". Add scikit-learn to its dependencies.'],
    [4, 'no package of environment default provides "cv2". Add opencv-python-headless to its dependencies.'],
  ])
  expect(output.failure?.message).toContain('(and 1 more)')
})

test('each file is judged under the environment it runs in', async () => {
  const output = await check({ 'train.py': 'import devtool\n', 'tests/test_a.py': 'import devtool\n' }, [
    train,
    { step: 'unit', run: 'pytest tests', environment: 'environment:dev' },
  ])

  expect(output.result!.findings).toHaveLength(1)
  expect(output.result!.findings[0]).toMatchObject({ file: 'train.py', severity: 'error' })
  expect(output.result!.findings[0]!.message).toContain('or let the step use `build: dev`, which has it')
})

test('a command that names a script nobody committed is found in tidegate.yaml', async () => {
  const output = await check(
    { 'tidegate.yaml': 'steps:\n  train:\n    run: python trian.py\n', 'train.py': '' },
    [
      { ...train, run: 'python trian.py' },
      { ...train, step: 'later', run: 'python generated/run.py' },
    ],
    ['generated/'],
  )

  expect(output.result!.findings).toEqual([
    {
      severity: 'error',
      file: 'tidegate.yaml',
      line: 3,
      column: 17,
      message: 'step "train" runs trian.py, which is not in the commit: did you mean "train.py"?',
    },
  ])
})

test('a script that its own command may have made is not missed', async () => {
  const output = await check({ 'train.py': '', 'tool.txt': '' }, [
    { ...train, run: 'python train.py; cp tool.txt tool.py; python tool.py' },
    { ...train, step: 'gen', run: "printf 'print(1)' > gen.py && python gen.py" },
  ])

  expect(output.failure).toBeUndefined()
  expect(output.result!.findings).toEqual([])
})

test('a script outside the deps of its step is found', async () => {
  const output = await check({ 'train.py': '' }, [{ ...train, deps: ['src/', 'data.csv'] }])

  expect(output.failure?.message).toContain('step "train" runs train.py, but sees only its deps: add train.py to them')
})

test('a module that python -m cannot find, or that the step does not see, is found like a script', async () => {
  const files = {
    'tidegate.yaml':
      'steps:\n  train: { run: python -m churn.trian }\n  data: { run: python -m churn.data, deps: [raw/] }\n',
    'churn/__init__.py': 'import nowhere1\n',
    'churn/train.py': '',
    'churn/data.py': '',
    'raw/a.csv': '',
  }
  const command = (step: string, module: string, deps?: string[]) => ({
    ...train,
    step,
    run: `python -m ${module}`,
    ...(deps === undefined ? {} : { deps }),
  })

  const output = await check(files, [
    command('train', 'churn.trian'),
    command('data', 'churn.data', ['raw/']),
    command('other', 'json.tool'),
    command('installed', 'alpha.cli', ['raw/']),
  ])

  expect(output.lines).toEqual([
    expect.stringContaining('churn/__init__.py:1:1: no package of environment default provides "nowhere1"'),
    'tidegate.yaml:2:27: step "train" runs python -m churn.trian, and churn/trian.py is not in the commit: did you mean "churn/train.py"?',
    'tidegate.yaml:3:26: step "data" runs churn/data.py, but sees only its deps: add churn/data.py to them',
  ])
})

test('a module below a folder of PYTHONPATH is found as well, and one that is nowhere is not', async () => {
  const files = {
    'tidegate.yaml':
      'steps:\n  unseen: { run: PYTHONPATH=src python -m churn.train }\n  typo: { run: PYTHONPATH=src python -m churn.trian }\n',
    'src/churn/__init__.py': '',
    'src/churn/train.py': '',
    'src/churn/fast.cpython-312-x86_64-linux-gnu.so': '',
    'raw/a.csv': '',
  }
  const command = (step: string, module: string) => ({ ...train, step, run: `PYTHONPATH=src python -m ${module}` })

  const output = await check(files, [
    command('typo', 'churn.trian'),
    { ...command('unseen', 'churn.train'), deps: ['raw/'] },
    { ...command('seen', 'churn.train'), deps: ['src/'] },
    command('compiled', 'churn.fast'),
    command('unknown', 'elsewhere.tool'),
  ])

  expect(output.lines).toEqual([
    expect.stringContaining('yaml:2:43: step "unseen" runs src/churn/train.py, but sees only its deps'),
    expect.stringContaining(
      'yaml:3:41: step "typo" runs python -m churn.trian, and src/churn/trian.py is not in the commit: did you mean "src/churn/train.py"?',
    ),
  ])
})

test('what nothing runs, and imports inside functions, are warnings only', async () => {
  const output = await check({ 'train.py': 'def f():\n  import gone\n', 'old.py': 'print "x"\n' }, [train])

  expect(output.failure).toBeUndefined()
  expect(output.result!.findings.map(({ file, severity }) => [file, severity])).toEqual([
    ['old.py', 'warning'],
    ['train.py', 'warning'],
  ])
})

test('sources made to hurt a parser are findings like others', async () => {
  const output = await check(
    { 'train.py': '('.repeat(50_000), 'nul.py': 'x = "\0"\n', 'deep.py': `${'-'.repeat(200_000)}1` },
    [train],
  )

  expect(output.failure?.message).toMatch(/^train\.py:\d+:\d+: syntax error/)
})

test('packages that nothing imports and files that git keeps for ever are warnings with their place', async () => {
  const output = await check(
    {
      'train.py': 'import json\n',
      'requirements.txt': '# ours\nalpha==1.0\n',
      'dev.txt': 'devtool\nalpha\n',
      'tests/test_a.py': 'import devtool\n',
      'raw.csv': 'x'.repeat(11 << 20),
    },
    [train],
    [],
    { environment: ['requirements.txt'], 'environment:dev': ['dev.txt'] },
  )

  expect(output.failure).toBeUndefined()
  expect(output.result?.findings).toEqual([
    expect.objectContaining({
      file: 'dev.txt',
      line: 2,
      message: expect.stringMatching(/^nothing imports alpha, .*dev/),
    }),
    expect.objectContaining({ severity: 'warning', file: 'raw.csv', message: expect.stringContaining('has 11 MiB') }),
    expect.objectContaining({
      file: 'requirements.txt',
      line: 2,
      message: expect.stringContaining('nothing imports alpha'),
    }),
  ])
})
